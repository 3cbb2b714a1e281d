/** `tencent-cn` → `TENCENT_CN_`. */
export function settingPrefix(providerId: string): string {
  return `${toSettingName(providerId)}_`;
}

/** `TENCENT_CN_LIMIT_GETEIDTOKEN`: how many calls of an action may be made in a second. */
export function actionLimitSetting(providerId: string, action: string): string {
  return `${settingPrefix(providerId)}LIMIT_${toSettingName(action)}`;
}

/** By its name without the prefix: settings that hold the URLs which a plugin calls. */
export function isEndpointSetting(name: string): boolean {
  return name === 'ENDPOINT' || name.endsWith('_ENDPOINT');
}

function toSettingName(text: string): string {
  return text.toUpperCase().replace(/[^A-Z0-9]/gu, '_');
}
