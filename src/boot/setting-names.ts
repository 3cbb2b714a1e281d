/** `tencent-cn` → `TENCENT_CN_`. */
export function settingPrefix(providerId: string): string {
  return `${toSettingName(providerId)}_`;
}

/** `TENCENT_CN_LIMIT_GETEIDTOKEN`: how many calls of an action may be made in a second. */
export function actionLimitSetting(providerId: string, action: string): string {
  return `${settingPrefix(providerId)}LIMIT_${toSettingName(action)}`;
}

/** Whether a setting holds a URL that a plugin calls. `name` is without the prefix. */
export function isEndpointSetting(name: string): boolean {
  return name === 'ENDPOINT' || name.endsWith('_ENDPOINT');
}

function toSettingName(text: string): string {
  return text.toUpperCase().replace(/[^A-Z0-9]/gu, '_');
}
