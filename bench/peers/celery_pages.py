"""Celery on Redis: a task for each page, which sends the next page's task before it stores its rows.

Refused calls use Celery's own retry_backoff with jitter. Started by `celery -A celery_pages worker`; run as a program it
sends the first task of each account, once a line arrives on its input.
"""

import json
import os
import sys

import psycopg
import requests
from celery import Celery
from celery.signals import worker_process_init

BROKER = os.environ["REDIS_URL"]
app = Celery("celery_pages", broker=BROKER + "/0", backend=BROKER + "/1")
app.conf.update(
    broker_connection_retry_on_startup=True,
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=4,
)

UPSERT = """
    insert into rows (id, doc) select item->>'id', item from jsonb_array_elements(%s::jsonb) item
    on conflict (id) do update set doc = excluded.doc"""

connections = {}


class Refused(Exception):
    pass


@worker_process_init.connect
def connect(**_):
    connections["http"] = requests.Session()
    connections["postgres"] = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)


@app.task(
    autoretry_for=(Refused, requests.RequestException),
    max_retries=None,
    retry_backoff=True,
    retry_backoff_max=600,
    retry_jitter=True,
)
def page(user, cursor):
    answer = connections["http"].get(
        f"{os.environ['API']}/u/{user}/items",
        params={"cursor": cursor, "limit": 100},
        timeout=10,
    )
    if answer.status_code == 429:
        raise Refused()
    answer.raise_for_status()
    found = answer.json()
    if found["next"] is not None:
        page.delay(user, found["next"])
    with connections["postgres"].cursor() as statement:
        statement.execute(UPSERT, (json.dumps(found["items"]),))


if __name__ == "__main__":
    print("READY", flush=True)
    sys.stdin.readline()
    for number in range(int(os.environ["ACCOUNTS"])):
        page.delay(f"u{number}", 0)
