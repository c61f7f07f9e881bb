# SPDX-License-Identifier: Apache-2.0
"""telltale install-hooks on settings files as people have them, and telltale doctor."""

import json
import os
import re
import resource
import signal
import subprocess
import tomllib

import pytest

from support.daemon import BIN, Daemon
from support.http import post
from support import facts

TIMEOUT_S = 60
AGENTS = ("codex", "claude-code", "gemini", "cursor")
CLAUDE = """{
  "model": "opus", // the best
  "env": { "OTEL_EXPORTER_OTLP_ENDPOINT": "http://theirs:4318" },
  "hooks": {
    "Stop": [
      { "hooks": [ { "type": "command", "command": "say done" } ] }
    ]
  }
}
"""


class Home:
    """A home directory, a state directory, and a telltale-hook to be named."""

    def __init__(self, path):
        self.path = path / "home"
        self.state = path / "state"
        self.hook = path / "telltale-hook"
        self.path.mkdir()
        self.hook.write_text("#!/bin/sh\n")
        self.hook.chmod(0o755)

    def telltale(self, *arguments, run_dir=None, cwd=None, **more):
        run_dir = run_dir or self.path
        return subprocess.run(
            [str(BIN / "telltale"), *map(str, arguments), "--run-dir", str(run_dir),
             "--state-dir", str(self.state)],
            capture_output=True, text=True, timeout=TIMEOUT_S, check=False, cwd=cwd,
            env={**os.environ, "HOME": str(self.path), "TZ": "UTC"}, **more)

    def install(self, *arguments, **more):
        return self.telltale("install-hooks", *arguments, "--hook", self.hook, "--socket",
                             "/run/telltale/agent.sock", **more)

    def write(self, name, text):
        path = self.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def commands_of(settings):
    """Every command that the hooks of a settings file start, by event."""
    found = {}
    for event, entries in settings["hooks"].items():
        for entry in entries:
            for hook in entry.get("hooks", [entry]):
                found.setdefault(event, []).append(hook["command"])
    return found


def test_new_settings_say_where_events_go_and_are_gone_again(home):
    files = {"codex": ".codex/hooks.json", "claude-code": ".claude/settings.json",
             "gemini": ".gemini/settings.json", "cursor": ".cursor/hooks.json"}
    for agent, name in files.items():
        done = home.install(agent)
        assert done.returncode == 0, done.stderr
        settings = json.loads((home.path / name).read_text())
        commands = commands_of(settings)
        assert len(commands) >= 8
        assert {c for all_of in commands.values() for c in all_of} == \
            {f"{home.hook} {agent} --socket /run/telltale/agent.sock"}
        assert (home.path / name).stat().st_mode & 0o777 == 0o600
    toml = tomllib.loads((home.path / ".codex/config.toml").read_text())
    assert toml["otel"]["exporter"]["otlp-http"]["endpoint"] == "http://127.0.0.1:4318/v1/logs"
    for agent in files:
        assert home.install(agent, "--undo").returncode == 0
    assert [p for p in home.path.rglob("*") if p.is_file()] == []


def test_what_stands_there_stays_and_a_dry_run_changes_nothing(home):
    path = home.write(".claude/settings.json", CLAUDE)
    done = home.install("claude-code", "--dry-run")
    assert done.returncode == 0 and "Nothing was changed" in done.stdout
    assert re.search(r"^\+.*telltale-hook claude-code", done.stdout, re.M)
    assert path.read_text() == CLAUDE and not home.state.exists()
    done = home.install("claude-code")
    assert "env.OTEL_EXPORTER_OTLP_ENDPOINT: \"http://theirs:4318\"" in done.stderr
    text = path.read_text()
    assert "// the best" in text
    settings = json.loads(text.replace(" // the best", ""))
    assert settings["model"] == "opus"
    assert settings["env"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://theirs:4318"
    assert commands_of(settings)["Stop"][0] == "say done" and len(commands_of(settings)["Stop"]) == 2
    again = home.install("claude-code")
    assert "nothing to do" in again.stdout and path.read_text() == text
    assert home.install("claude-code", "--undo").returncode == 0
    assert path.read_text() == CLAUDE


def test_replaced_values_and_later_changes_survive_the_undoing(home):
    path = home.write(".claude/settings.json", CLAUDE)
    assert home.install("claude-code", "--replace").returncode == 0
    assert '"http://127.0.0.1:4318"' in path.read_text()
    path.write_text(path.read_text().replace('"opus"', '"other"').replace(
        '"OTEL_LOGS_EXPORTER": "otlp"', '"OTEL_LOGS_EXPORTER": "console"'))
    done = home.install("claude-code", "--undo")
    assert done.returncode == 0 and "OTEL_LOGS_EXPORTER" in done.stderr
    assert path.read_text() == CLAUDE.replace('"opus"', '"other"').replace(
        '"http://theirs:4318" }', '"http://theirs:4318", "OTEL_LOGS_EXPORTER": "console" }')


def test_links_are_followed_and_broken_settings_left_alone(home):
    target = home.write("dotfiles/settings.json", "{}\n")
    target.chmod(0o640)
    (home.path / ".gemini").mkdir()
    (home.path / ".gemini/settings.json").symlink_to(target)
    assert home.install("gemini").returncode == 0
    assert (home.path / ".gemini/settings.json").is_symlink()
    assert json.loads(target.read_text())["telemetry"]["otlpEndpoint"] == "http://127.0.0.1:4318"
    assert target.stat().st_mode & 0o777 == 0o640
    path = home.write(".cursor/hooks.json", '{\n  "hooks": {,}\n}\n')
    done = home.install("cursor")
    assert done.returncode == 1
    assert "left alone" in done.stderr and "line 2, column 13" in done.stderr
    assert path.read_text() == '{\n  "hooks": {,}\n}\n'


@pytest.mark.parametrize("is_killed", [False, True])
def test_settings_that_cannot_be_written_stay_whole(home, is_killed):
    text = CLAUDE.replace("opus", "o" * 100_000)
    path = home.write(".claude/settings.json", text)
    limit = {"restore_signals": is_killed,  # a limit on files kills, or makes the write fail
             "preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))}
    for _ in range(2):
        done = home.install("claude-code", "--replace", **limit)
        assert done.returncode == (-signal.SIGXFSZ if is_killed else 1)
        assert is_killed or "File too large" in done.stderr
        assert path.read_text() == text
    assert is_killed or [p.name for p in path.parent.iterdir()] == ["settings.json"]
    assert home.install("claude-code", "--replace").returncode == 0
    assert "telltale-hook" in path.read_text()
    assert home.install("claude-code", "--undo", **limit).returncode != 0
    assert "telltale-hook" in path.read_text()
    done = home.install("claude-code", "--undo")
    assert (done.returncode, done.stderr) == (0, ""), "nothing was noted twice"
    assert path.read_text() == text


def test_a_link_to_nothing_is_left_alone(home):
    (home.path / ".gemini").mkdir()
    link = home.path / ".gemini/settings.json"
    link.symlink_to(home.path / "not-there.json")
    done = home.install("gemini")
    assert done.returncode == 1 and "make the file, or remove the link" in done.stderr
    assert link.is_symlink() and not (home.path / "not-there.json").exists()


@pytest.mark.parametrize("link, target", [
    (".claude/settings.json", "home/victim.json"),  # the file is a link
    (".claude", "home/.claude"),                    # so is its directory
    (".claude/settings.json", "home/new.json"),     # to a file that is not there yet
    (".claude", "home/nowhere"),
])
def test_links_of_a_project_are_refused(home, tmp_path, link, target):
    victim = home.write("victim.json", '{"mine": true}\n')
    theirs = home.write(".claude/settings.json", '{"mine": true}\n')
    project = tmp_path / "project"
    (project / link).parent.mkdir(parents=True)
    (project / link).symlink_to(tmp_path / target)
    before = sorted(tmp_path.rglob("*"))
    for arguments in (["--dry-run"], [], ["--undo"]):
        done = home.install("claude-code", "--project", *arguments, cwd=project)
        assert done.returncode == 1 and done.stdout == ""
        assert f"symbolic link is not followed; remove it, or leave --project out: '{project / link}'" \
            in done.stderr
    assert sorted(tmp_path.rglob("*")) == before and (project / link).is_symlink()
    assert victim.read_text() == theirs.read_text() == '{"mine": true}\n'


def test_a_link_that_comes_after_the_installing_is_not_followed_by_the_undoing(home, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    assert home.install("cursor", "--project", cwd=project).returncode == 0
    moved = home.path / "hooks.json"
    (project / ".cursor/hooks.json").rename(moved)
    (project / ".cursor/hooks.json").symlink_to(moved)
    text = moved.read_text()
    done = home.install("cursor", "--project", "--undo", cwd=project)
    assert done.returncode == 1 and "not followed" in done.stderr
    assert moved.read_text() == text
    (project / ".cursor/hooks.json").unlink()
    moved.rename(project / ".cursor/hooks.json")
    assert home.install("cursor", "--project", "--undo", cwd=project).returncode == 0
    assert not (project / ".cursor/hooks.json").exists()


def test_the_name_of_a_project_does_not_act_on_a_terminal(home, tmp_path):
    project = tmp_path / "a\x1b]0;owned\x07\u202eb"
    project.mkdir()
    done = [home.install("cursor", "--project", *more, cwd=project)
            for more in ([], ["--replace"], ["--undo"], ["--undo"])]
    (project / ".cursor/hooks.json").write_text("[]")
    done.append(home.install("cursor", "--project", cwd=project))
    (project / ".cursor/hooks.json").unlink()
    (project / ".cursor/hooks.json").symlink_to("x")
    done.append(home.install("cursor", "--project", cwd=project))
    assert [d.returncode for d in done] == [0, 0, 0, 0, 1, 1]
    for output in (d.stdout + d.stderr for d in done):
        assert "\\x1b]0;owned\\x07" in output
        assert not any(c in output for c in "\x1b\x07\u202e")


def test_a_table_of_ones_own_is_left_and_shown(home):
    path = home.write(".codex/config.toml", '[otel]\nenvironment = "x"\n')
    done = home.install("codex")
    assert done.returncode == 1
    assert "[otel] already" in done.stderr and "log_user_prompt = true" in done.stderr
    assert path.read_text() == '[otel]\nenvironment = "x"\n'


def test_a_project_and_no_content(home, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    assert home.install("claude-code", "--project", "--no-content", cwd=project).returncode == 0
    settings = json.loads((project / ".claude/settings.json").read_text())
    assert "OTEL_LOG_USER_PROMPTS" not in settings["env"]
    assert not (home.path / ".claude").exists()
    assert home.install("codex", "--project", cwd=project).returncode == 0
    assert not (project / ".codex/config.toml").exists()


def test_hooks_know_the_daemon_of_these_directories(home, tmp_path):
    with Daemon(tmp_path / "daemon") as daemon:
        home.state = daemon.state
        done = home.telltale("install-hooks", "cursor", run_dir=daemon.run)
        assert done.returncode == 0, done.stderr
        commands = commands_of(json.loads((home.path / ".cursor/hooks.json").read_text()))
        assert commands["stop"] == [f"{BIN.resolve()}/telltale-hook cursor --socket {daemon.run}/agent.sock"
                                    f" --spool {daemon.state}/spool"]
        done = home.telltale("doctor", run_dir=daemon.run)
        assert f"ok    {home.path}/.cursor/hooks.json says what it must" in done.stdout


def test_words_for_a_shell_are_refused(home):
    done = home.telltale("install-hooks", "cursor", "--hook", "/tmp/a b; rm")
    assert done.returncode == 1 and "more than a word" in done.stderr
    assert home.telltale("install-hooks", "vi").returncode == 2


def test_doctor_follows_an_event_and_says_who_reports(home, tmp_path):
    corpus = facts.pathlib.Path(__file__).parents[1] / "corpus"
    with Daemon(tmp_path / "daemon", "file/forensic: {}") as daemon:
        body = (corpus / "codex-0.169.0/http-protobuf/refactor/logs/001.bin").read_bytes()
        assert post(daemon.http_port, "/v1/logs", body, "application/x-protobuf")[0] == 200
        home.state = daemon.state
        done = home.telltale("doctor", run_dir=daemon.run)
        assert done.returncode == 0, done.stdout + done.stderr
        for words in ("ok    telltaled", "was durable after", "ok    file/forensic is done",
                      "ok    it is in the local store"):
            assert words in done.stdout
    done = home.telltale("doctor", run_dir=daemon.run)
    assert done.returncode == 1 and "no daemon answers" in done.stderr
