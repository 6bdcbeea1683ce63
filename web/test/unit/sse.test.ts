import { describe, expect, it } from 'vitest';
import { eventsOf } from '../../src/live/sse';

async function read(...chunks: string[]): Promise<{ events: string[]; heard: number }> {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const c of chunks) controller.enqueue(encoder.encode(c));
      controller.close();
    },
  });
  const events: string[] = [];
  let heard = 0;
  for await (const e of eventsOf(body, () => heard++)) events.push(e);
  return { events, heard };
}

describe('text/event-stream', () => {
  it('yields the data of events, in order', async () => {
    expect((await read('data: {"a":1}\n\ndata:two\n\n')).events).toEqual(['{"a":1}', 'two']);
  });
  it('puts together what arrives in pieces', async () => {
    expect((await read('da', 'ta: on', 'e\n', '\nda', 'ta: two\n\n')).events).toEqual(['one', 'two']);
  });
  it('joins the lines of one event and takes CRLF', async () => {
    expect((await read('data: a\r\ndata: b\r\n\r\n')).events).toEqual(['a\nb']);
  });
  it('hears pings but does not take them for events', async () => {
    const { events, heard } = await read(': ping\n\n', ': ping\n\n');
    expect(events).toEqual([]);
    expect(heard).toBe(2);
  });
  it('drops what was cut off', async () => {
    expect((await read('data: whole\n\ndata: half')).events).toEqual(['whole']);
  });
  it('keeps Japanese that is split in the middle of a character', async () => {
    const all = new TextEncoder().encode('data: 退避\n\n');
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of all) controller.enqueue(new Uint8Array([byte]));
        controller.close();
      },
    });
    const events: string[] = [];
    for await (const e of eventsOf(body, () => undefined)) events.push(e);
    expect(events).toEqual(['退避']);
  });
});
