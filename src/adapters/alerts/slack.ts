import type { Alert, AlertMessage } from '../../alerts/alert.ts';
import type { Channel } from '../../alerts/channel.ts';
import { headOf } from '../../alerts/message-text.ts';
import { post, type Post } from './post.ts';

/** Posts to an incoming webhook of Slack, or of what understands the same: Mattermost, Rocket.Chat. */
export function createSlack(to: Pick<Post, 'url' | 'caPem' | 'userAgent'>, publicUrl: string): Channel {
  return { send: (message, _, signal) => post({ ...to, body: JSON.stringify(slackBody(message, publicUrl)) }, signal) };
}

/** Else `<!channel>` in somebody's text calls everybody, and `<https://evil|vLLM>` is a link that lies. */
export const slackText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Characters of one block; Slack refuses more than 3,000. */
const MAX_BLOCK = 2_900;

/** The message as blocks, and as the text of notifications. */
export function slackBody(message: AlertMessage, publicUrl: string): object {
  const left = message.count - message.alerts.length;
  const more = left > 0 && message.alerts.length > 0 ? [`and ${left} more of the same kind`] : [];
  const texts = [
    `*${slackText(withoutMarks(headOf(message)))}*`,
    ...message.alerts.map(alertText),
    ...[...more, ...message.lines].map(slackText),
  ];
  return {
    text: slackText(headOf(message)),
    blocks: [
      ...texts.map((text) => section(text)),
      { type: 'context', elements: [{ type: 'plain_text', text: publicUrl.slice(0, 200), emoji: false }] },
    ],
    ...{ unfurl_links: false, unfurl_media: false },
  };
}

// `verbatim`: else names and addresses in somebody's text become links and mentions.
const section = (text: string): object => ({
  type: 'section',
  text: { type: 'mrkdwn', text: fitting(text), verbatim: true },
});

/** Lines whole or not at all: half of `&lt;` is another text, and a mark that is not closed reaches into the next. */
function fitting(text: string): string {
  let kept = '';
  for (const line of text.split('\n')) {
    if (kept.length + line.length + 1 <= MAX_BLOCK) kept += kept === '' ? line : `\n${line}`;
  }
  return kept === '' ? '…' : kept;
}

const alertText = ({ timeMs, event, subject, why, todo, isResolved }: Alert): string =>
  [
    `${new Date(timeMs).toISOString()} ${isResolved ? 'over: ' : ''}${slackText(event)} ${code(subject)}`,
    ...(why === '' ? [] : [slackText(why)]),
    ...todo.map((line) => `• ${code(line)}`),
  ].join('\n');

/** As it stands, to be copied; a backtick would end it. */
const code = (text: string): string => `\`${slackText(text.replaceAll('`', "'"))}\``;

const withoutMarks = (text: string): string => text.replaceAll('*', '∗');
