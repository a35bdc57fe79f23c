"""How a Flink process is started with plain ``java``: what Flink's shell scripts do, which the wheel has not.

Sources: flink-dist/src/main/flink-bin/bin/{config.sh,flink-daemon.sh,jobmanager.sh,taskmanager.sh} of 2.3.0; memory
flags come from Flink's own BashJavaUtils, so they are those of that Flink version.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flinkscope.errors import LabError, MemoryConfigError
from flinkscope.lab.wheels import FlinkHome, JavaHome

JOBMANAGER = "jobmanager"
TASKMANAGER = "taskmanager"

_ENTRY_CLASSES = {
    JOBMANAGER: "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
    TASKMANAGER: "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
}
_APPLICATION_ENTRY_CLASS = "org.apache.flink.container.entrypoint.StandaloneApplicationClusterEntryPoint"
_RESOURCE_COMMANDS = {JOBMANAGER: "GET_JM_RESOURCE_PARAMS", TASKMANAGER: "GET_TM_RESOURCE_PARAMS"}
_RESULT_PREFIX = "BASH_JAVA_UTILS_EXEC_RESULT:"

# env.java.default-opts.all of the distribution's own config.yaml (2.3.0), which the wheel lacks.
OPENED = (
    "--add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED",
    "--add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED",
    *(f"--add-exports=java.base/{p}=ALL-UNNAMED" for p in ("sun.net.util", "sun.security.util")),
    *(
        f"--add-opens=java.base/{package}=ALL-UNNAMED"
        for package in (
            "java.lang",
            "java.net",
            "java.io",
            "java.nio",
            "sun.nio.ch",
            "java.lang.reflect",
            "java.text",
            "java.time",
            "java.util",
            "java.util.concurrent",
            "java.util.concurrent.atomic",
            "java.util.concurrent.locks",
        )
    ),
)

# By default 10 s, in which a JVM does not come up on a machine where 50 processes wait (measured). Flink's own option
# pekko.startup-timeout has no effect in 2.3: it sets remote.startup-timeout, not remote.classic.startup-timeout.
PATIENT = tuple(f"-D{name}.remote.classic.startup-timeout=90s" for name in ("pekko", "akka"))

_LOG4J = """\
monitorInterval=0
rootLogger.level = INFO
rootLogger.appenderRef.file.ref = MainAppender
logger.pekko.name = org.apache.pekko
logger.pekko.level = INFO
appender.main.name = MainAppender
appender.main.type = File
appender.main.append = true
appender.main.fileName = ${sys:log.file}
appender.main.layout.type = PatternLayout
appender.main.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %-60c %x - %m%n
"""


@dataclass(frozen=True, slots=True)
class Application:
    """The one job of a JobManager in application mode, which runs its main() and ends with it."""

    jar: Path
    entry_class: str = ""
    arguments: tuple[str, ...] = ()

    def install(self, home: Path) -> Path:
        """Puts the jar where Flink looks for it, ``usrlib`` beside ``lib`` in ``home``; what FLINK_LIB_DIR must be."""
        for name in ("lib", "usrlib"):
            (home / name).mkdir(parents=True, exist_ok=True)
        (home / "usrlib" / self.jar.name).symlink_to(self.jar.resolve())
        return home / "lib"

    def program(self) -> list[str]:
        """The words behind those of the JobManager."""
        return [*(["--job-classname", self.entry_class] if self.entry_class else []), *self.arguments]


def write_conf(folder: Path, config: Mapping[str, str], flink: FlinkHome) -> Path:
    """Writes config.yaml (flink-conf.yaml before 1.19) and the log4j configuration into ``folder``; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "log4j.properties").write_text(_LOG4J, encoding="utf-8")
    modern = flink.release >= (1, 19)
    path = folder / ("config.yaml" if modern else "flink-conf.yaml")
    lines = (f"{key}: {_scalar(value) if modern else value}" for key, value in config.items())
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def resource_flags(role: str, flink: FlinkHome, java: JavaHome, conf: Path) -> tuple[list[str], list[str]]:
    """The JVM flags and the ``-D`` program arguments that Flink derives from the configuration; one JVM start (1–3 s).

    Raises MemoryConfigError with Flink's texts when it refuses the configuration.
    """
    jars = (flink.path / "bin" / "bash-java-utils.jar", *sorted((flink.path / "lib").glob("flink-dist*.jar")))
    command = [str(java.java), "-XX:TieredStopAtLevel=1", "-cp", os.pathsep.join(map(str, jars))]
    command += ["org.apache.flink.runtime.util.bash.BashJavaUtils", _RESOURCE_COMMANDS[role]]
    done = subprocess.run(
        [*command, "--configDir", str(conf)], capture_output=True, text=True, check=False, timeout=120
    )
    results = [line[len(_RESULT_PREFIX) :] for line in done.stdout.splitlines() if line.startswith(_RESULT_PREFIX)]
    if done.returncode or not results:
        reasons = [line.strip() for line in (done.stderr + done.stdout).splitlines() if "Exception" in line]
        raise MemoryConfigError(reasons or [f"BashJavaUtils ended with code {done.returncode}"])
    dynamic = results[1].split() if len(results) > 1 else []
    return results[0].split(), [word for word in dynamic if word != "-D"]


def command_line(
    role: str,
    flink: FlinkHome,
    java: JavaHome,
    conf: Path,
    log_file: Path,
    flags: tuple[Sequence[str], Sequence[str]],
    options: Sequence[str],
    application: Application | None = None,
) -> list[str]:
    """The java command of a process: memory flags, user options, logging, class path, entry class, -D arguments, and
    a JobManager's own application."""
    alone = application if role == JOBMANAGER else None
    entry_class = _APPLICATION_ENTRY_CLASS if alone else _ENTRY_CLASSES[role]
    jvm_flags, dynamic = flags
    command = [str(java.java), *jvm_flags, "-XX:+IgnoreUnrecognizedVMOptions", *OPENED, *PATIENT, *options]
    command += [f"-Dlog.file={log_file}", f"-Dlog4j.configurationFile={(conf / 'log4j.properties').as_uri()}"]
    command += ["-classpath", class_path_of(flink), entry_class, "--configDir", str(conf)]
    for pair in dynamic:
        command += ["-D", pair]
    return command + (alone.program() if alone else [])


def class_path_of(flink: FlinkHome) -> str:
    """All jars of the distribution's lib, as Flink's scripts put them on the class path."""
    return os.pathsep.join(str(jar) for jar in sorted((flink.path / "lib").glob("*.jar")))


def java_options(role: str, config: Mapping[str, str]) -> list[str]:
    """The user's JVM options for the role: ``env.java.opts.all`` (or ``env.java.opts``), then the role's own."""
    words = [
        config.get("env.java.opts.all") or config.get("env.java.opts", ""),
        config.get(f"env.java.opts.{role}", ""),
    ]
    try:
        return [option for text in words for option in shlex.split(text)]
    except ValueError as error:
        raise LabError(f"env.java.opts: {error}") from error


def _scalar(value: str) -> str:
    """As a YAML scalar: plain where that is unmistakable, else quoted."""
    plain = value and all(c.isalnum() or c in "._/+-" for c in value) and not value.startswith(("-", "."))
    return value if plain else json.dumps(value, ensure_ascii=False)
