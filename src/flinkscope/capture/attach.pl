# HotSpot's attach protocol, version 1, for a container without jcmd: perl - PID COMMAND. Prints the code, then the text.
# The caller has made sure that the JVM handles SIGQUIT and lets itself be attached to.
use strict;
use warnings;
use Socket;
my ($pid, $command) = @ARGV;
die "perl - PID COMMAND\n" unless defined $command && $pid =~ /^\d+$/;
my $socket = "/tmp/.java_pid$pid";
$SIG{ALRM} = sub { die "no answer\n" };
alarm 900;
if (!-S $socket) {
    my $trigger = "/proc/$pid/cwd/.attach_pid$pid";
    if (!open(my $file, '>', $trigger)) {
        $trigger = "/tmp/.attach_pid$pid";
        open($file, '>', $trigger) or die "$trigger: $!\n";
    }
    kill 'QUIT', $pid or do { unlink $trigger; die "process $pid: $!\n" };
    for (1 .. 100) { last if -S $socket; select undef, undef, undef, 0.1 }
    unlink $trigger;
    die "the JVM opened no socket in 10 s\n" unless -S $socket;
}
socket(my $jvm, PF_UNIX, SOCK_STREAM, 0) or die "socket: $!\n";
connect($jvm, sockaddr_un($socket)) or die "$socket: $!\n";
syswrite $jvm, join("\0", '1', 'jcmd', $command, '', '') . "\0";
binmode STDOUT;
while (sysread $jvm, my $part, 65536) { print $part }
