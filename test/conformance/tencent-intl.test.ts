import { describe, it } from 'vitest';
import { testProvider } from '../../src/conformance/index.ts';
import { tencentIntlSubject } from './tencent-intl.ts';

testProvider({ describe, it }, tencentIntlSubject);
