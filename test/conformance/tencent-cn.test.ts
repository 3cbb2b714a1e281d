import { describe, it } from 'vitest';
import { testProvider } from '../../src/conformance/index.ts';
import { tencentCnSubject } from './tencent-cn.ts';

testProvider({ describe, it }, tencentCnSubject);
