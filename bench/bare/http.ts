import { Agent, type IncomingMessage, request } from 'node:http';

const agent = new Agent({ keepAlive: true });

const bodyOf = async (incoming: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  if (incoming.statusCode !== 200) throw new Error(`${incoming.statusCode} ${body.toString().slice(0, 500)}`);
  return body;
};

/** A plain request on a kept connection. @returns the body of the reply */
export const bareRequest = (method: 'GET' | 'PUT', url: string, body?: Uint8Array): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const headers = body && { 'Content-Length': body.byteLength };
    const outgoing = request(url, { method, agent, headers }, (incoming) => {
      bodyOf(incoming).then(resolve, reject);
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
