#!/usr/bin/env node
/*
 * Makes the calls that compare.py lists, and writes down what came of each; replay.py says how.
 *
 * Usage: replay.js CALLS DIRECTORY SERVER [TLS-CA]
 */

'use strict';

const fs = require('node:fs');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');

const definition = protoLoader.loadSync(
  ['gradus/v1/gradient_service.proto', 'gradus/v1/grading_service.proto', 'google/rpc/error_details.proto'],
  { includeDirs: [path.join(__dirname, '..', '..', 'proto')], keepCase: true, longs: String, enums: String },
);

// Above the server's own limits, so that these decide.
const channelOptions = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };

function decode(type, bytes) {
  return definition[type].deserialize(bytes);
}

function decodeDetails(metadata) {
  const details = [];
  for (const bytes of metadata.get('grpc-status-details-bin')) {
    const status = decode('google.rpc.Status', bytes);
    details.push({ type: 'google.rpc.Status', code: status.code, message: status.message });
    for (const detail of status.details) {
      const type = detail.type_url.split('/').pop();
      if (type === 'google.rpc.ErrorInfo') {
        const info = decode(type, detail.value);
        details.push({ type, reason: info.reason, domain: info.domain, metadata: info.metadata ?? {} });
      } else if (type === 'google.rpc.BadRequest') {
        const violations = decode(type, detail.value).field_violations;
        details.push({ type, violations: violations.map(({ field, description }) => [field ?? '', description]) });
      } else {
        details.push({ type });
      }
    }
  }
  return details;
}

async function makeCall(client, call, directory) {
  const [service, name] = call.method.split('/');
  const method = definition[service][name];
  const metadata = new grpc.Metadata();
  if (call.token) metadata.set('authorization', `Bearer ${call.token}`);
  const options = { deadline: Date.now() + (call.deadline_ms ?? 60000) };
  const stream = client.makeBidiStreamRequest(
    method.path, method.requestSerialize, method.responseDeserialize, metadata, options);
  let count = 0;
  const status = await new Promise((resolve) => {
    stream.on('status', resolve);
    stream.on('error', () => {}); // The status has it as well.
    stream.on('data', (response) => {
      fs.writeFileSync(path.join(directory, `${call.name}.${count}`), method.responseSerialize(response));
      count += 1;
    });
    for (const file of call.requests) stream.write(method.requestDeserialize(fs.readFileSync(file)));
    if (!call.keep_open) stream.end();
    if (call.cancel_after_ms) setTimeout(() => stream.cancel(), call.cancel_after_ms);
  });
  return {
    name: call.name,
    code: grpc.status[status.code],
    message: status.details,
    details: decodeDetails(status.metadata),
    responses: count,
  };
}

async function main() {
  const [calls, directory, server, tlsCa] = process.argv.slice(2);
  const credentials = tlsCa ? grpc.credentials.createSsl(fs.readFileSync(tlsCa)) : grpc.credentials.createInsecure();
  const client = new grpc.Client(server, credentials, channelOptions);
  const results = [];
  for (const call of JSON.parse(fs.readFileSync(calls, 'utf8'))) results.push(await makeCall(client, call, directory));
  client.close();
  fs.writeFileSync(path.join(directory, 'results.json'), JSON.stringify(results));
}

main();
