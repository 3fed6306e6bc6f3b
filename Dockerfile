# One image, two commands: containers/ingest.ts, the default, and containers/resize.ts. Node.js has the version of the npm
# package "node", on which the tests run.
FROM node:24.21.0-trixie-slim AS base
WORKDIR /app

FROM base AS dependencies
COPY package.json package-lock.json ./
# sharp comes as a binary: nothing need be built, and no package's script need run.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM base
RUN apt-get update && apt-get install --yes --no-install-recommends libjemalloc2 && rm -rf /var/lib/apt/lists/*
# Execute, but not read: the kernel then lets no other process of the same user look into one that runs it (proc(5),
# "PR_SET_DUMPABLE" in prctl(2)). A decoder that an image took over cannot read its worker's credentials, nor the image of
# another decoder (SECURITY.md). The layer holds Node.js once more.
RUN chmod 0711 /usr/local/bin/node
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY lambdas ./lambdas
COPY containers ./containers

# The user "node" of the base image, as a number: who runs it need not look into it to know that it is not root.
USER 1000:1000
# The root file system may be read-only but for this. A volume of ECS takes over from here that everybody may write to it (ECS
# Developer Guide, "Use bind mounts with Amazon ECS").
VOLUME ["/tmp"]
ENV TMPDIR=/tmp
ENV NODE_ENV=production
# Images are buffers, and none of them is in the heap: this is for everything else. With it ingest stays at 175 MiB over
# 10,000 uploads, on a machine whose size would let Node.js put off collecting until much more. On SIGUSR1 Node.js would open
# its debugger, in which any process of the same container could read the memory.
ENV NODE_OPTIONS="--max-old-space-size=128 --max-semi-space-size=1 --disable-sigusr1"
# Gives back what big images took: glibc's allocator keeps 100 MiB more after an AVIF of 12 megapixels. Found by the loader
# in the folder of its processor.
ENV LD_PRELOAD=libjemalloc.so.2
EXPOSE 8080

# Where a worker shows that it polls its queue.
ENV HEARTBEAT_FILE=/tmp/heartbeat
# For both commands. ECS goes by the task definition alone, which names the same check (ECS Developer Guide, "Determine Amazon
# ECS task health using container health checks").
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s CMD ["node", "containers/healthy.ts"]

# Not by the base image's script: signals reach Node.js. Run it with `docker run --init`: a process whose event loop is blocked
# ends itself, which the first process of a container cannot (containers/watchdog.ts).
ENTRYPOINT ["node"]
CMD ["containers/ingest.ts"]
