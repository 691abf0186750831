// A pod that only waits: the demo runs its clients here.
setInterval(() => {}, 60_000);
process.on('SIGTERM', () => process.exit(0));
