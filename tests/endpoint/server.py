"""A real llama.cpp server for the endpoint tests: server.py MODEL_FILE [THREADS]. Prints one line, "ready URL", and serves
until its standard input or its parent ends it. Exit code 77: the server package is not there."""
import sys
import time

try:
    import xllamacpp
except ImportError as error:
    print(f"the package xllamacpp is not there: {error}", file=sys.stderr)
    sys.exit(77)

params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.port = 0
params.n_parallel = 4
params.n_ctx = 8192  # 2048 for each of the four
params.cpuparams.n_threads = int(sys.argv[2]) if len(sys.argv) > 2 else 2
params.warmup = False
server = xllamacpp.Server(params)
print("ready", server.listening_address, flush=True)
while True:
    time.sleep(3600)
