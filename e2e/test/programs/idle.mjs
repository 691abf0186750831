// A pod that only waits: tests run their clients here.
setInterval(() => {}, 60_000);
process.on('SIGTERM', () => process.exit(0));
