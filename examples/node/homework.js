#!/usr/bin/env node
/*
 * Calls Gradus from Node.js: problem 1 of the homework, forward, backward, one step of gradient descent, and grading.
 * It is a test as well: it ends with exit code 1 if an answer is not what it must be.
 */

'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { isDeepStrictEqual, parseArgs, promisify } = require('node:util');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');

const ROOT = path.join(__dirname, '..', '..');
const PROTO = path.join(ROOT, 'proto');
// Calls that end UNAVAILABLE are made again, and all servers behind a name are used.
const SERVICE_CONFIG = path.join(ROOT, 'client', 'service_config.json');
// Every call has a deadline: without one, a program may wait forever for a server that is not there.
const DEADLINE_MS = 10000;

const definition = protoLoader.loadSync(
  ['gradus/v1/gradient_service.proto', 'gradus/v1/grading_service.proto', 'google/rpc/error_details.proto'],
  // The names of proto/, and 64-bit integers as text, because numbers of JavaScript end at 2^53.
  { includeDirs: [PROTO], keepCase: true, longs: String, enums: String, defaults: true, oneofs: true },
);
const { gradus } = grpc.loadPackageDefinition(definition);

const vector = (...values) => ({ shape: [values.length], values });
const matrix = (rows, columns, ...values) => ({ shape: [rows, columns], values });

/** Problem 1 of the homework: two inputs, two hidden units and two outputs, all of them sigmoid. */
function buildProblem() {
  return {
    network: {
      name: '2-2-2 sigmoid network, one bias per layer',
      inputs: [{ name: 'x' }, { name: 't' }],
      parameters: [
        // One row per unit: row 0 is w1 w2, the weights into h1; row 1 is w3 w4, the weights into h2.
        { name: 'W1', value: matrix(2, 2, 0.15, 0.2, 0.25, 0.3) },
        // A list of one number: both units of the layer use it.
        { name: 'b1', value: vector(0.35) },
        { name: 'W2', value: matrix(2, 2, 0.4, 0.45, 0.5, 0.55) },
        { name: 'b2', value: vector(0.6) },
      ],
      nodes: [
        { name: 'z_h', inputs: ['x', 'W1', 'b1'], dense: {} },
        { name: 'h', inputs: ['z_h'], sigmoid: {} },
        { name: 'o', inputs: ['h', 'W2', 'b2'], dense: {} },
        { name: 'yhat', inputs: ['o'], sigmoid: {} },
        { name: 'L', inputs: ['yhat', 't'], half_squared_error: { reduction: 'REDUCTION_SUM' } },
      ],
    },
    inputs: [
      { name: 'x', tensor: vector(0.05, 0.1) },
      { name: 't', tensor: vector(0.01, 0.02) },
    ],
    objective: 'L',
    optimizer: { sgd: { learning_rate: 0.5 } },
  };
}

/** What the student is asked, and where the right answers are in the problem. */
function buildAssignment() {
  return {
    name: 'homework',
    problems: [{ name: 'problem_1', problem: buildProblem() }],
    items: [
      { id: 'h1', quantity: 'h[0]' },
      { id: 'yhat1', quantity: 'yhat[0]' },
      { id: 'dL/dw5', quantity: 'grad(W2)[0,0]' },
      { id: "w5'", quantity: 'next(W2)[0,0]' },
    ],
    policy: { feedback_level: 'FEEDBACK_LEVEL_FIRST_WRONG_STEP' },
  };
}

/** What a student wrote, as it was written: "0.130" has three decimals. */
function buildSubmission(id, answers) {
  return { id, answers: Object.entries(answers).map(([item, number]) => ({ item, text: { values: [number] } })) };
}

const ada = buildSubmission('ada', { h1: '0.593', yhat1: '0.751', 'dL/dw5': '0.082', "w5'": '0.359' });
// Forgot h1 in the gradient, and went on with that.
const ben = buildSubmission('ben', { h1: '0.593', yhat1: '0.751', 'dL/dw5': '0.138', "w5'": '0.331' });

/** Work of some seconds: the gradient of 3600 numbers, checked one by one. */
function buildLongWork() {
  const values = Array.from({ length: 3600 }, (_, i) => 0.01 * (i % 7));
  return {
    problem: {
      network: {
        parameters: [{ name: 'w', value: matrix(60, 60, ...values) }],
        nodes: [
          { name: 'a', inputs: ['w', 'w'], mat_mul: {} },
          { name: 'b', inputs: ['a', 'a'], mat_mul: {} },
          { name: 'L', inputs: ['b'], sum: {} },
        ],
      },
      objective: 'L',
    },
  };
}

/** Over TLS if the file with the roots is named, with the token in GRADUS_TOKEN if there is one. */
function makeCredentials(tlsCa) {
  if (tlsCa === undefined) return grpc.credentials.createInsecure();
  const tls = grpc.credentials.createSsl(fs.readFileSync(tlsCa));
  const token = process.env.GRADUS_TOKEN;
  if (!token) return tls;
  const addToken = grpc.credentials.createFromMetadataGenerator((_, callback) => {
    const metadata = new grpc.Metadata();
    metadata.set('authorization', `Bearer ${token}`);
    callback(null, metadata);
  });
  return grpc.credentials.combineChannelCredentials(tls, addToken);
}

const waitForReady = new grpc.Metadata({ waitForReady: true });
const withDeadline = (ms = DEADLINE_MS) => ({ deadline: Date.now() + ms });

/** A call as a promise, with the deadline. */
function call(client, method, request, options = withDeadline()) {
  return promisify(client[method]).call(client, request, waitForReady, options);
}

/** Grades many submissions of one assignment. The results come in any order. */
async function gradeAll(grading, assignment, submissions, batchSize = 16) {
  const stream = grading.GradeStream(waitForReady, withDeadline());
  stream.write({ header: { assignment } });
  for (let start = 0; start < submissions.length; start += batchSize) {
    // For more than fits into memory, wait for 'drain' whenever write() returns false.
    stream.write({ batch: { submissions: submissions.slice(start, start + batchSize) } });
  }
  stream.end();
  const results = [];
  for await (const response of stream) results.push(...response.results);
  return results;
}

/** The tensors of a trace by their addresses: "h", "grad(W1)", "L@1". */
const quantities = (trace) => new Map(trace.entries.map((entry) => [entry.address, entry.tensor]));

function decode(type, bytes) {
  return definition[type].deserialize(bytes);
}

/**
 * What was wrong, for programs: Gradus sends a google.rpc.Status along with the code and the message. grpc-js leaves
 * decoding it to its users.
 */
function errorDetails(error) {
  let reason = '';
  const violations = [];
  for (const bytes of error.metadata.get('grpc-status-details-bin')) {
    for (const detail of decode('google.rpc.Status', bytes).details) {
      if (detail.type_url === 'type.googleapis.com/google.rpc.ErrorInfo') {
        reason = decode('google.rpc.ErrorInfo', detail.value).reason;
      } else if (detail.type_url === 'type.googleapis.com/google.rpc.BadRequest') {
        violations.push(...decode('google.rpc.BadRequest', detail.value).field_violations);
      }
    }
  }
  return { reason, violations };
}

/** What went wrong with a call that must fail. */
async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return { code: grpc.status.OK, metadata: new grpc.Metadata() };
}

function show(name, tensor) {
  let texts = tensor.values.map((value) => String(Math.round(value * 1e6) / 1e6));
  // From the innermost axis outwards, what belongs together goes into one pair of brackets.
  for (const length of tensor.shape.map(Number).reverse()) {
    const grouped = [];
    for (let start = 0; start < texts.length; start += length) {
      grouped.push(`[${texts.slice(start, start + length).join(', ')}]`);
    }
    texts = grouped;
  }
  console.log(`  ${name.padEnd(8)} = ${texts[0]}`);
}

function showReport(report) {
  const wrong = report.first_wrong_item ? `, first wrong step ${report.first_wrong_item}` : '';
  console.log(`  ${report.submission_id}: ${report.earned_points} / ${report.possible_points} points${wrong}`);
}

/** Compares what came out with what must come out. */
function holds(condition, failure) {
  if (condition) return;
  console.error(`homework.js: ${failure}`);
  process.exitCode = 1;
}

function near(name, value, expected) {
  holds(Math.abs(value - expected) <= 1e-9 * Math.abs(expected), `${name} is ${value} but must be ${expected}`);
}

async function doHomework(client) {
  const problem = buildProblem();

  console.log('Forward: the value of every node');
  const values = quantities((await call(client, 'Forward', { problem })).trace);
  for (const name of ['h', 'yhat', 'L']) show(name, values.get(name));
  near('the loss L', values.get('L').values[0], 0.5582617201218214);

  console.log('Backward: the gradient of the loss with respect to every parameter');
  const gradients = quantities((await call(client, 'Backward', { problem })).trace);
  for (const name of ['grad(W1)', 'grad(b1)', 'grad(W2)', 'grad(b2)']) show(name, gradients.get(name));
  near('the gradient dL/dw5', gradients.get('grad(W2)').values[0], 0.08216704056423077);

  console.log('Step: the parameters after one update, and the loss that they give');
  // From a large network one asks only for what one needs. L@1 is L after one update.
  const step = await call(client, 'Step', { problem, trace: { only: ['L@1'] } });
  for (const parameter of step.parameters) show(parameter.name, parameter.tensor);
  show('L@1', quantities(step.trace).get('L@1'));
  near("the updated weight w5'", step.parameters[2].tensor.values[0], 0.35891647971788465);
}

async function doGrading(grading) {
  const assignment = buildAssignment();

  console.log('Grade: one submission');
  // With assignment_name in place of assignment, the server takes one of those that it holds.
  const { report } = await call(grading, 'Grade', { assignment, submission: ben });
  showReport(report);
  holds(report.first_wrong_item === 'dL/dw5', `the first wrong step is ${report.first_wrong_item}`);

  console.log('GradeStream: many of one assignment, in any order');
  const results = await gradeAll(grading, assignment, [ada, ben]);
  results.sort((a, b) => (a.submission_id < b.submission_id ? -1 : 1));
  for (const { submission_id: id, ...result } of results) {
    if (result.report) showReport(result.report);
    else console.log(`  ${id}: ${result.error.message}`);
  }
  holds(isDeepStrictEqual(results[1].report, report), 'Grade and GradeStream differ');
}

async function makeAMistake(client) {
  console.log('A mistake: W1 has three columns, but x has two numbers');
  const problem = buildProblem();
  problem.network.parameters[0].value = matrix(2, 3, 0.15, 0.2, 0.1, 0.25, 0.3, 0.1);
  const error = await refusal(call(client, 'Forward', { problem }));
  const { reason, violations } = errorDetails(error);
  console.log(`  ${grpc.status[error.code]}, ${reason}`);
  for (const { field, description } of violations) console.log(`  ${field}: ${description}`);
  holds(error.code === grpc.status.INVALID_ARGUMENT, `the code is ${error.code}`);
  holds(reason === 'SHAPE_MISMATCH', `the reason is ${reason}`);
  const fields = violations.map((violation) => violation.field);
  holds(isDeepStrictEqual(fields, ['network.nodes[0]']), `the fields in error are ${fields}`);
}

async function giveUp(client) {
  console.log('A deadline of 0.1 s, for work of many seconds');
  const late = await refusal(call(client, 'Check', buildLongWork(), withDeadline(100)));
  console.log(`  ${grpc.status[late.code]}`);
  holds(late.code === grpc.status.DEADLINE_EXCEEDED, `the deadline ends with ${late.code}`);

  console.log('A call that is cancelled: the server stops too');
  const cancelled = await new Promise((resolve) => {
    const running = client.Check(buildLongWork(), waitForReady, withDeadline(), resolve);
    setTimeout(() => running.cancel(), 100);
  });
  console.log(`  ${grpc.status[cancelled?.code ?? grpc.status.OK]}`);
  holds(cancelled?.code === grpc.status.CANCELLED, `the cancelled call ends with ${cancelled?.code}`);
}

async function main() {
  const { values: options } = parseArgs({
    options: {
      server: { type: 'string', default: '127.0.0.1:50051' },
      'tls-ca': { type: 'string' },
    },
  });
  const credentials = makeCredentials(options['tls-ca']);
  const channelOptions = { 'grpc.service_config': fs.readFileSync(SERVICE_CONFIG, 'utf8') };
  const client = new gradus.v1.GradientService(options.server, credentials, channelOptions);
  const grading = new gradus.v1.GradingService(options.server, credentials, channelOptions);
  try {
    await doHomework(client);
    await doGrading(grading);
    await makeAMistake(client);
    await giveUp(client);
    if (!process.exitCode) console.log('All of it is as it must be.');
  } catch (error) {
    console.error(`homework.js: ${options.server}: ${error.message}`);
    process.exitCode = 1;
  } finally {
    client.close();
    grading.close();
  }
}

main();
