import { parentPort, workerData } from 'node:worker_threads';
import type { AuditQuestion } from '../../audit-log/entry.ts';
import { searchAuditLog } from '../audit-search.ts';

/** Answers one question to the audit log and ends: reading what is new may take a while, and nobody else is to wait for that. */
if (parentPort === null) throw new Error('this file is started as a worker thread');
const [stateDir, question] = workerData as [string, AuditQuestion];
parentPort.postMessage(searchAuditLog(stateDir, question));
