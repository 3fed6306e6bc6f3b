import { openDataFolder } from '../../local/data-folder.ts';

/** Only holds the data folder of a port: `data-folder-holder.ts <port>`. */
openDataFolder(Number(process.argv[2]));
console.log('held');
setInterval(() => {}, 1000);
