import { writeFileSync } from 'node:fs';
import { provingTests, requirementsPage } from '../test/conformance/requirements-page.ts';

/** Writes the page of requirements anew from their list and the titles of the tests. */
writeFileSync(new URL('../docs/reference/oauth-requirements.md', import.meta.url), requirementsPage(provingTests()));
