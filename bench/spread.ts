import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * Open connections of a listening port by the event loop that serves them: each thread of Node.js has an epoll set of
 * its own, and the kernel tells which sockets are in it (proc(5), `fdinfo`). Loops without one are left out.
 */
export function connectionsByLoop(pid: number, port: number): number[] {
  const inodes = establishedOn(port);
  const counts: number[] = [];
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    if (link(pid, fd) !== 'anon_inode:[eventpoll]') continue;
    const watched = [...readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8').matchAll(/^tfd:\s+(\d+)/gm)];
    const count = watched.filter(([, target]) => {
      const inode = /^socket:\[(\d+)\]$/.exec(link(pid, target ?? '') ?? '')?.[1];
      return inode !== undefined && inodes.has(inode);
    }).length;
    if (count > 0) counts.push(count);
  }
  return counts;
}

function link(pid: number, fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return undefined;
  }
}

/** Inodes of the sockets that the port has accepted. */
function establishedOn(port: number): ReadonlySet<string> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes = new Set<string>();
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)) {
    // sl, local address, remote address, state, queues, timer, retransmits, uid, timeout, inode
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
    if (state === ESTABLISHED && local.endsWith(wanted) && inode !== undefined) inodes.add(inode);
  }
  return inodes;
}

const ESTABLISHED = '01';
