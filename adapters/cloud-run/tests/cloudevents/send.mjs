// Sends CloudEvents that JavaScript's SDK makes: to the port that is the first argument, one after the other. The second argument is
// the folder that the SDK is installed in.
//
// From standard input it reads a list of sendings, `{mode, events}`, and answers on standard output with a list of what became of
// each: `{status}`, or `{error}` where it could not be sent.

import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

const [port, folder] = process.argv.slice(2);
const { CloudEvent, HTTP } = createRequire(join(folder, "package.json"))("cloudevents");

const BATCH = "application/cloudevents-batch+json";

function made({ attributes, json, text, base64 }) {
  const data = base64 === undefined ? (text ?? json) : new Uint8Array(Buffer.from(base64, "base64"));
  return new CloudEvent({ ...attributes, data });
}

function message(mode, events) {
  if (mode === "batch") {
    // The SDK makes the parts, and has nothing that joins them.
    return { headers: { "content-type": BATCH }, body: JSON.stringify(events) };
  }
  const [event] = events;
  return mode === "binary" ? HTTP.binary(event) : HTTP.structured(event);
}

// As the SDK's own `httpTransport`, which does not tell the status.
function post({ headers, body }) {
  return new Promise((resolve, reject) => {
    const sent = request(`http://127.0.0.1:${port}/`, { method: "POST", headers, agent: false }, (response) => {
      response.resume();
      response.on("end", () => resolve({ status: response.statusCode }));
    });
    sent.on("error", reject);
    if (body !== undefined) {
      sent.write(body);
    }
    sent.end();
  });
}

const answers = [];
for (const { mode, events } of JSON.parse(readFileSync(0, "utf8"))) {
  const wire = message(mode, events.map(made));
  try {
    answers.push(await post(wire));
  } catch (error) {
    if (error.code !== "ERR_INVALID_CHAR") {
      throw error;
    }
    answers.push({ error: error.message });
  }
}
process.stdout.write(JSON.stringify(answers));
