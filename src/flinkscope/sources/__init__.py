"""Where bytes come from: files, case folders and zips, live processes. Nothing here knows what the bytes mean."""
