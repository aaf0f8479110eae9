"""Python runs this at its start when the folder is on PYTHONPATH: JupyterLab's server and its kernels stay here."""

from only_here import refuse_network

refuse_network()
