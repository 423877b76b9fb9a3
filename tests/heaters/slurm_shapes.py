"""How versions of slurmrestd answer, shortened.

v0.0.38 of Slurm 22.05.8 and v0.0.42 of 24.11.5 are recorded. v0.0.39 stands for those
between them and is not: plain numbers in some places, lists of states, no bulk change.
"""

from typing import Any

type Json = dict[str, Any]


def openapi(*versions: int, old: bool = False, requeue: bool = False) -> Json:
    """Return the paths and schemas that matter."""
    paths: Json = {"/slurmdb/v0.0.99/jobs/": {"get": {}}}
    schemas: Json = {}
    for version in versions:
        base = f"/slurm/v0.0.{version}"
        slash = "" if old else "/"
        many = {"get": {}} if old or version < 40 else {"get": {}, "post": {}}
        paths[f"{base}/nodes{slash}"] = many
        paths[f"{base}/jobs{slash}"] = {"get": {}}
        paths[f"{base}/node/{{node_name}}"] = (
            {"get": {}} if old else {"get": {}, "post": {}}
        )
        if requeue:
            paths[f"{base}/jobs/requeue"] = {"post": {}}
        if version >= 40:
            schemas[f"v0.0.{version}_update_node_msg"] = {
                "properties": {"state": {}, "reason": {}, "resume_after": {}}
            }
    return {"paths": paths, "components": {"schemas": schemas}}


def no_value(number: int = 0, *, infinite: bool = False) -> Json:
    return {"set": False, "infinite": infinite, "number": number}


def value(number: float) -> Json:
    return {"set": True, "infinite": False, "number": number}


def node_42(name: str, *flags: str, **more: object) -> Json:
    """Return a node as 24.11 tells of it; no plug-in measures it."""
    return {
        "name": name,
        "state": list(flags or ("IDLE",)),
        "cpus": 2,
        "alloc_cpus": 0,
        "alloc_idle_cpus": 2,
        "cpu_load": 138,
        "energy": {
            "average_watts": 0,
            "consumed_energy": 0,
            "current_watts": value(0),
            "last_collected": 0,
        },
        "partitions": ["heat"],
        "reason": "",
        "resume_after": value(0),
        "next_state_after_reboot": ["INVALID"],
        **more,
    }


def node_39(name: str, *flags: str, **more: object) -> Json:
    """Return a node as 23.02 tells of it."""
    return {
        "name": name,
        "state": list(flags or ("IDLE",)),
        "cpus": 2,
        "alloc_cpus": 0,
        "energy": {
            "average_watts": 0,
            "consumed_energy": 4294967294,
            "current_watts": 4294967294,
            "last_collected": 0,
        },
        "partitions": ["heat"],
        "reason": "",
        **more,
    }


def node_38(name: str, state: str = "idle", *flags: str, **more: object) -> Json:
    """Return a node as 22.05 tells of it."""
    return {
        "name": name,
        "state": state,
        "state_flags": list(flags),
        "cpus": 2,
        "alloc_cpus": 0,
        "partitions": ["heat"],
        "reason": "",
        **more,
    }


def measured(watts: float, joules: float) -> Json:
    """Return the energy of a node that a plug-in measures."""
    return {
        "average_watts": 0,
        "consumed_energy": joules,
        "current_watts": value(watts),
        "last_collected": 1795902576,
    }


def job(job_id: int, nodes: str, **more: object) -> Json:
    """Return a running job as 24.11 tells of it."""
    return {
        "job_id": job_id,
        "job_state": ["RUNNING"],
        "nodes": nodes,
        "requeue": True,
        "batch_flag": True,
        "restart_cnt": 0,
        "het_job_id": value(0),
        **more,
    }


def refusal(code: int, error: str) -> Json:
    """Return how 24.11 tells of an error."""
    return {
        "errors": [
            {
                "description": "Failure",
                "error_number": code,
                "error": error,
                "source": "_dump_nodes",
            }
        ],
        "warnings": [],
    }
