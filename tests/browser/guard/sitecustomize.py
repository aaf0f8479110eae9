"""Python runs this file at its start when its folder is on PYTHONPATH: JupyterLab and its kernels use no network."""

from network_guard import refuse_network

refuse_network()
