import { openDataFolder } from '../../local/data-folder.ts';

/** Holds the data folder of a port, and does nothing else: `data-folder-holder.ts <port>`. */
openDataFolder(Number(process.argv[2]));
console.log('held');
setInterval(() => {}, 1000);
