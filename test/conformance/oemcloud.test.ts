import { describe, it } from 'vitest';
import { testProvider } from '../../src/conformance/index.ts';
import { oemcloudSubject } from './oemcloud.ts';

testProvider({ describe, it }, oemcloudSubject);
