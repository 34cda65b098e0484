import { USUAL_PLACES } from './systemd-unit.ts';
import type { Paint } from './paint.ts';

/** What `init` made, for a person to go on with. */
export interface Made {
  readonly configFile: string;
  readonly unitFile: string | undefined;
  readonly stateDir: string;
  /** The flags that the commands after it need, too: ` --config FILE`, or nothing. */
  readonly sameFlags: string;
  readonly key: { readonly id: string; readonly key: string };
  readonly adminKey: string;
  /** Name that has to lead here before a CA certifies it; undefined where none is asked. */
  readonly certifiedName: string | undefined;
  readonly publicUrl: string;
  /** Whether this program lies in a home folder, where a confined service does not see it. */
  readonly isInHome: boolean;
}

/** What was made, and what comes next. */
export function nextSteps(made: Made, paint: Paint): string {
  const { configFile, unitFile, sameFlags, key, adminKey, certifiedName, publicUrl } = made;
  const wrote = [configFile, ...(unitFile === undefined ? [] : [unitFile])].map((file) => `wrote ${file}\n`);
  const step = (command: string, what: string) =>
    `  ${paint(`sallyport ${command}`.padEnd(STEP_WIDTH), 'cyan')}  ${what}\n`;
  const dns =
    certifiedName === undefined ? '' : `  DNS: ${certifiedName} leads to this machine; its CA connects to it\n`;
  return `${wrote.join('')}
${paint('Shown this once: keep them now', 'bold')}
  key of a first caller      ${key.key}
  key of an administrator    ${adminKey}

${paint('Next', 'bold')}
${dns}${step(`serve${sameFlags}`, `answers on ${publicUrl}`)}\
${step(`connect curl --key ${key.id}${sameFlags}`, 'settings for a caller: curl, openai, claude-code, …')}\
${step(`doctor${sameFlags}`, 'whether it is safe as it stands')}\
${unitFile === undefined ? '' : asService(made, unitFile, paint)}`;
}

const STEP_WIDTH = 35;

function asService({ configFile, stateDir, isInHome }: Made, unitFile: string, paint: Paint): string {
  const hidden = isInHome
    ? '\nThe unit cannot see this program, which is in a home folder: install it with "npm install -g sallyport" first.\n'
    : '';
  return `
${paint('As a service', 'bold')} that survives a reboot (the keys above move with the state directory; end "sallyport serve" first)
  sudo install -D -m 0644 ${configFile} ${USUAL_PLACES.configFile}
  printf 'VLLM_API_KEY=%s\\n' "$VLLM_API_KEY" | sudo install -m 0600 /dev/stdin /etc/sallyport/environment
  sudo cp -r ${stateDir} /var/lib/${USUAL_PLACES.stateDirName}
  sudo install -m 0644 ${unitFile} /etc/systemd/system/sallyport.service
  sudo systemctl daemon-reload && sudo systemctl enable --now sallyport
${hidden}`;
}
