// Reads one JSON request from standard input and answers with what node-postgres makes of it.
const { Client, types } = require('pg');

async function main() {
  const request = JSON.parse(require('fs').readFileSync(0, 'utf8'));
  const { host, port, user, password, dbname } = request;
  const client = new Client({ host, port, user, password, database: dbname });
  await client.connect();
  // Values as they came over the wire: text, or hexadecimal digits of the bytes.
  const raw = { getTypeParser: (oid, format) => (format === 'binary' ? (v) => v.toString('hex') : (v) => v) };
  const answers = [];
  for (const text of request.statements ?? []) {
    const binary = request.binary;
    // With values, so that the extended protocol is used.
    const seen = await client.query({ text, values: [], binary, rowMode: 'array', types: raw });
    const parsed = await client.query({ text, values: [], binary, rowMode: 'array', types });
    answers.push({ types: seen.fields.map((f) => f.dataTypeID), rows: seen.rows, parsed: parsed.rows.length });
  }
  for (const [text, values] of request.parameters ?? []) {
    const { rows } = await client.query({ text, values });
    answers.push(rows[0].v);
  }
  await client.end();
  process.stdout.write(JSON.stringify(answers));
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
