"""The command line: JupyterLab with the lessons, and the doctor that checks a machine."""
