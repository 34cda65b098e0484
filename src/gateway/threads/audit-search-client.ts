import { Worker } from 'node:worker_threads';
import type { AuditAnswer, AuditQuestion } from '../../audit-log/entry.ts';

/** Searches the audit log in a thread of its own: the process must not stop meanwhile. @throws Error where it fails */
export function searchInThread(stateDir: string, question: AuditQuestion): Promise<AuditAnswer> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL('./audit-search.ts', import.meta.url), {
      workerData: [stateDir, question],
      name: 'audit-search',
    });
    thread.on('message', resolve);
    thread.on('error', reject);
    thread.on('exit', () => reject(new Error('the search has ended without an answer')));
  });
}
