"""A private mongod: found, started, watched and shared by the processes of a home folder."""

from components.pool.mongod.embedded import embedded_mongo
from components.pool.mongod.find_mongod import find_mongod

__all__ = ["embedded_mongo", "find_mongod"]
