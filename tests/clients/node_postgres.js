// Reads one JSON request from standard input and answers with what node-postgres makes of it.
const { Client, types } = require('pg');

async function main() {
  const request = JSON.parse(require('fs').readFileSync(0, 'utf8'));
  const { host, port, user, password, dbname } = request;
  const client = new Client({ host, port, user, password, database: dbname });
  await client.connect();
  // Values as the driver takes them off the wire: it reads the bytes as UTF-8 in both formats.
  const raw = { getTypeParser: () => (v) => v.toString() };
  const answers = [];
  for (const text of request.statements ?? []) {
    const binary = request.binary;
    // The extended protocol, which alone has binary results; without values it is used only when asked for.
    const query = { text, values: [], binary, rowMode: 'array', queryMode: 'extended' };
    const seen = await client.query({ ...query, types: raw });
    // Its parsers of binary values want bytes, which it has not kept: only text goes through them.
    const parsed = binary ? seen : await client.query({ ...query, types });
    const formats = [...new Set(seen.fields.map((f) => f.format))];
    answers.push({ types: seen.fields.map((f) => f.dataTypeID), formats, rows: seen.rows, parsed: parsed.rows.length });
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
