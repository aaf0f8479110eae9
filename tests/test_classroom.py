"""The examples of docs/classroom: what each file says is allowed where it stands, fits the others, and holds no secret."""

import json
import re
from pathlib import Path

import pytest
import yaml
from traitlets.config import Config

from gptviz.lab.cli import _parser

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "classroom"
# What the Compose Specification allows, as far as the example could use it: the type of each field of a service.
SERVICE = {
    "build": (str, dict), "image": str, "command": (str, list), "environment": (dict, list), "ports": list, "volumes": list,
    "depends_on": (list, dict), "healthcheck": dict, "deploy": dict, "restart": str, "mem_limit": (str, int), "user": str,
    "working_dir": str, "entrypoint": (str, list), "expose": list, "networks": (list, dict), "shm_size": (str, int),
}  # fmt: skip
HEALTH = {"test", "interval", "timeout", "retries", "start_period", "start_interval", "disable"}
BUILD = {"context", "dockerfile", "args", "target", "labels", "cache_from"}
DURATION = re.compile(r"(\d+(us|ms|s|m|h))+")
SECRET = re.compile("KEY|TOKEN|PASSWORD")


class NoDoubles(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML's loader silently takes the last."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"twice in line {node.start_mark.line}: {keys}"
        return super().construct_mapping(node, deep)


@pytest.fixture
def compose():
    return yaml.load((FOLDER / "compose.yaml").read_text("utf-8"), NoDoubles)


def test_the_compose_file_has_only_keys_of_the_specification_with_their_types(compose):
    assert set(compose) <= {"name", "services", "volumes", "networks", "configs", "secrets"}
    for name, service in compose["services"].items():
        assert set(service) <= set(SERVICE), name
        for key, value in service.items():
            assert isinstance(value, SERVICE[key]), (name, key)
        assert ("build" in service) != ("image" in service), f"{name} is built, or comes as an image"
        assert service.get("restart", "no") in ("no", "always", "on-failure", "unless-stopped")
        health = service.get("healthcheck", {})
        assert set(health) <= HEALTH
        assert all(DURATION.fullmatch(str(health[key])) for key in ("interval", "timeout") if key in health)
        command = service.get("command", [])
        assert isinstance(command, str) or all(isinstance(word, str) for word in command), (
            "YAML read a word as a number"
        )
        environment = service.get("environment", {})
        assert all(isinstance(value, str) for value in environment.values())


def test_what_the_compose_file_refers_to_is_there(compose):
    services = compose["services"]
    for service in services.values():
        for other, how in service.get("depends_on", {}).items():
            assert other in services
            assert how["condition"] != "service_healthy" or "healthcheck" in services[other]
        for volume in service.get("volumes", []):
            source = volume.split("}:")[0] if volume.startswith("${") else volume.split(":")[0]
            assert source.startswith(("./", "/", "${")) or source in compose["volumes"], volume
        if "build" in service:
            build = service["build"]
            assert set(build) <= BUILD
            context = (FOLDER / build["context"]).resolve()
            assert context == ROOT and (context / build["dockerfile"]).is_file()
    host = re.fullmatch(r"http://(\w+):(\d+)/v1", services["lab"]["environment"]["GPTVIZ_SERVER"])
    assert host[1] in services and f":{host[2]}/health" in services[host[1]]["healthcheck"]["test"][-1]


def test_no_secret_is_written_in_it_and_no_port_is_open_to_others(compose):
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if SECRET.search(name):
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), f"{name} must come from outside, and not be empty"
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_the_image_starts_what_gptviz_has():
    lines = (FOLDER / "Dockerfile").read_text("utf-8").splitlines()
    steps = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    assert steps[0][0] == "FROM" and {name for name, _ in steps} <= {
        "FROM", "COPY", "RUN", "USER", "WORKDIR", "EXPOSE", "CMD",
    }  # fmt: skip
    program, *arguments = json.loads(steps[-1][1])
    options, rest = _parser().parse_known_args(arguments)
    assert program == "gptviz" and options.command == "lab" and options.no_browser
    port = dict(steps)["EXPOSE"]
    assert rest == ["--ip=0.0.0.0", f"--port={port}"]
    assert [name for name, _ in steps].index("USER") < [name for name, _ in steps].index("CMD"), "not as root"


def test_the_hub_s_settings_can_be_read_and_have_no_key_of_their_own(monkeypatch):
    settings = Config()
    source = (FOLDER / "jupyterhub_config.py").read_text("utf-8")
    monkeypatch.delenv("VLLM_API_KEY", raising=False)
    with pytest.raises(KeyError, match="VLLM_API_KEY"):
        exec(compile(source, "jupyterhub_config.py", "exec"), {"get_config": Config})
    monkeypatch.setenv("VLLM_API_KEY", "sk-of-the-class")
    exec(compile(source, "jupyterhub_config.py", "exec"), {"get_config": lambda: settings})
    assert settings.Spawner.environment["OPENAI_API_KEY"] == "sk-of-the-class"
    assert settings.JupyterHub.active_server_limit == 30
    role, service = settings.JupyterHub.load_roles[0], settings.JupyterHub.services[0]
    assert role["services"] == [service["name"]]


def test_the_page_names_every_example():
    page = (ROOT / "docs" / "classroom.md").read_text("utf-8")
    for file in FOLDER.iterdir():
        assert f"classroom/{file.name}" in page, file.name
