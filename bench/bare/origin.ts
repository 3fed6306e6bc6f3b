import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname } from 'node:path';
import { serveJobs } from '../processes/answer.ts';

/**
 * `origin <file> <port>`: serves one file under every path, as the origin of image servers. It has no jobs.
 */
const [, , file = '', port] = process.argv;
const bytes = readFileSync(file);
createServer((_request, response) => {
  response.writeHead(200, {
    'Content-Type': extname(file) === '.jpg' ? 'image/jpeg' : 'application/octet-stream',
    'Content-Length': bytes.byteLength,
  });
  response.end(bytes);
}).listen(Number(port), '127.0.0.1', () => serveJobs(async () => async () => {}));
