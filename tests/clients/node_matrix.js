// One session of node-postgres. Each line of the input is a request, each line of the output what came of it.
const { Client } = require('pg');
const Cursor = require('pg-cursor');
const readline = require('readline');

// A value with its type, since JSON has neither dates nor bytes nor NaN.
function plain(value) {
  if (value === null || value === undefined) return null;
  if (Buffer.isBuffer(value)) return ['Buffer', value.toString('hex')];
  if (value instanceof Date) return ['Date', Number.isNaN(value.getTime()) ? 'invalid' : value.toISOString()];
  if (Array.isArray(value)) return ['Array', ...value.map(plain)];
  if (typeof value === 'object') return [value.constructor.name, JSON.stringify(value)];
  return [typeof value, String(value)];
}

function told(result) {
  if (Array.isArray(result)) return result.map(told);
  const fields = result.fields.map((f) => [f.name, f.dataTypeID]);
  return { command: result.command, count: result.rowCount, fields, rows: result.rows.map((row) => row.map(plain)) };
}

const revived = (value) => (value !== null && value.bytes !== undefined ? Buffer.from(value.bytes, 'hex') : value);

async function main() {
  const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const { host, port, user, password, dbname } = JSON.parse((await lines.next()).value);
  const place = { host, port, user, password, database: dbname };
  const client = new Client(place);
  const heard = [];
  client.on('notification', ({ channel, payload }) => heard.push([channel, payload]));
  await client.connect();
  const actions = {
    query: async ({ text, values, name }) =>
      told(await client.query({ text, name, values: values?.map(revived), rowMode: 'array' })),
    described: async ({ text }) => {
      const { fields } = await client.query({ text, rowMode: 'array' });
      return fields.map((f) => [f.name, f.dataTypeID, f.dataTypeModifier, f.dataTypeSize, f.format]);
    },
    pieces: async ({ text, size }) => {
      const cursor = client.query(new Cursor(text, [], { rowMode: 'array' }));
      const parts = [];
      for (let rows; (rows = await cursor.read(size)).length > 0; ) parts.push([rows.length, rows[0].map(plain)]);
      await cursor.close();
      return parts;
    },
    cancel: async ({ text }) => {
      const other = new Client(place);
      await other.connect();
      const { processID } = client;
      const running = client.query(text).then(() => null, (error) => error);
      await new Promise((resolve) => setTimeout(resolve, 500));
      await other.query('SELECT pg_cancel_backend($1)', [processID]);
      await other.end();
      return (await running)?.code;
    },
    heard: async ({ count }) => {
      for (let i = 0; i < 100 && heard.length < count; i++) await new Promise((resolve) => setTimeout(resolve, 50));
      return heard;
    },
  };
  for await (const line of lines) {
    const request = JSON.parse(line);
    let answer;
    try {
      answer = { ok: await actions[request.does](request) };
    } catch (error) {
      // Without the place in PostgreSQL's own source, and how long all of that is.
      const { file, line: at, routine, length, ...fields } = error;
      answer = { error: { message: error.message, ...fields } };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  await client.end();
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
