import { AT } from './layout.ts';
import { number, word, type Profile } from './profile.ts';
import { usualPerHour } from './season.ts';
import { highest, usually } from './windows.ts';

/** How old a subject is, on how many days it was used, and how often, until something can be called unusual. */
const AGE_S = 7 * 86_400;
const DAYS = 3;
const REQUESTS = 50;
const SHORTS_OF_HOUR = 12;

/** Whether enough is known of a subject. */
export const isLearned = (profile: Profile): boolean =>
  word(profile, AT.lastS) - word(profile, AT.bornS) >= AGE_S &&
  number(profile, AT.activeDays) > DAYS &&
  number(profile, AT.requests) >= REQUESTS;

/** Requests in five minutes that are usual at this hour, or in a window with use, whichever is more. */
export const usualRequests = (profile: Profile, hour: number): number =>
  Math.max(usualPerHour(profile, hour) / SHORTS_OF_HOUR, usually(profile, 'short', 'requests'));

/** Between what is usual and the most there was: the burstier a caller, the less a burst says. */
export const bearableRequests = (profile: Profile, hour: number): number =>
  Math.max(1, Math.sqrt(usualRequests(profile, hour) * highest(profile, 'short', 'requests')));
