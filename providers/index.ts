import type { AnyProvider } from '../src/contract/plugin-api.ts';
import { oemcloud } from './oemcloud/index.ts';
import { tencentCn } from './tencent-cn/index.ts';
import { tencentIntl } from './tencent-intl/index.ts';

/** The built-in providers. Add a new one to this list. */
export const builtInProviders: readonly AnyProvider[] = [tencentCn, tencentIntl, oemcloud];
