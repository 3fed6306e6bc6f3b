import * as z from 'zod';
import { type Emulator, ownersAuthorization } from './emulator.ts';

const mappingsSchema = z.object({ EventSourceMappings: z.array(z.object({ UUID: z.string() })) });

/** Pauses the function that reads a queue, or continues it: what arrives in between waits in the queue. */
export const readQueue = async (
  { endpoint }: Pick<Emulator, 'endpoint'>,
  queueArn: string,
  isEnabled: boolean,
): Promise<void> => {
  const ask = async (path: string, request: RequestInit): Promise<unknown> => {
    const response = await fetch(`${endpoint}/2015-03-31/event-source-mappings/${path}`, {
      ...request,
      headers: { Authorization: ownersAuthorization('lambda') },
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`Lambda replied ${response.status}: ${text}`);
    return JSON.parse(text);
  };
  const query = new URLSearchParams({ EventSourceArn: queueArn });
  const { EventSourceMappings } = mappingsSchema.parse(await ask(`?${query}`, { method: 'GET' }));
  expect(EventSourceMappings).toHaveLength(1);
  for (const { UUID } of EventSourceMappings) {
    await ask(UUID, { method: 'PUT', body: JSON.stringify({ Enabled: isEnabled }) });
  }
};
