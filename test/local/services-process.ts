import { portsFrom } from '../../local/ports.ts';
import { startServices } from '../../local/services.ts';

/** The AWS services alone, as a process: `services-process.ts <port> <visibility timeout in seconds>`. */
const [port, visibilityTimeoutSeconds] = process.argv.slice(2).map(Number);
if (!port || !visibilityTimeoutSeconds) throw new Error('It takes a port and a visibility timeout.');
await startServices({
  ports: portsFrom(port),
  directory: `.local/${port}`,
  visibilityTimeoutSeconds,
});
console.log('ready');
