"""Child processes of the tests: forks of one clean process that never used gRPC."""
import multiprocessing

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["client"])
