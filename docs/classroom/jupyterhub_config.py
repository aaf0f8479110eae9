"""JupyterHub for a class of thirty with one served model. See ../classroom.md."""

import os
import sys

c = get_config()

c.JupyterHub.bind_url = "http://0.0.0.0:8000"
c.JupyterHub.authenticator_class = "pam"  # people who have an account on this machine; see JupyterHub for others
c.Authenticator.allow_existing_users = True
c.JupyterHub.active_server_limit = 30
c.JupyterHub.concurrent_spawn_limit = 5  # kernels that start at once share the cores

# What each learner's server gets. The key opens the class's own vLLM and nothing else: learners can read it.
c.Spawner.environment = {
    "GPTVIZ_SERVER": os.environ.get("GPTVIZ_SERVER", "http://127.0.0.1:8001/v1"),
    "OPENAI_API_KEY": os.environ["VLLM_API_KEY"],
    "OMP_NUM_THREADS": "1",
}
c.Spawner.default_url = "/lab"
c.Spawner.mem_limit = "1G"  # kept by spawners that can limit memory, such as those of systemd and Docker

# Ends servers and kernels that nobody has used for an hour.
c.JupyterHub.services = [
    {"name": "cull-idle", "command": [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=3600"]},
]
c.JupyterHub.load_roles = [
    {
        "name": "cull-idle",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["cull-idle"],
    },
]
