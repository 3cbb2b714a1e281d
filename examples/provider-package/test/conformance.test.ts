import { testProvider } from 'verification-subgraph/conformance';
import { describe, it } from 'vitest';
import { subject } from './subject.ts';

testProvider({ describe, it }, subject);
