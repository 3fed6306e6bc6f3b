import { openDataFolder } from '../../local/data-folder.ts';
import { startEmulators } from '../../local/emulators/start.ts';
import { portsFrom } from '../../local/ports.ts';

/** Only the emulators: `services-process.ts <port> <visibility timeout in seconds> [<port of a proxy>]`. */
const [port, visibilityTimeoutSeconds, proxyPort] = process.argv.slice(2).map(Number);
if (!port || !visibilityTimeoutSeconds) throw new Error('Give a port and a visibility timeout.');
await startEmulators({
  ports: portsFrom(port),
  dataFolder: openDataFolder(port),
  proxyPorts: proxyPort === undefined ? undefined : portsFrom(proxyPort),
  visibilityTimeoutSeconds,
});
console.log('ready');
