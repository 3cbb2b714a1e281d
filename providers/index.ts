import type { AnyProvider } from '../src/contract/plugin-api.ts';
import { oemcloud } from './oemcloud/index.ts';
import { tencentCn } from './tencent-cn/index.ts';
import { tencentIntl } from './tencent-intl/index.ts';

/** Every provider that ships with the subgraph. A new one is registered by its line here. */
export const builtInProviders: readonly AnyProvider[] = [tencentCn, tencentIntl, oemcloud];
