"""Chinese names of what facets count: kinds and languages (GB/T 4880.1)."""

from __future__ import annotations

KINDS = {
    "book": "图书", "journal": "期刊", "issue": "期次", "article": "文章",
    "collection": "专题", "item": "特色资源", "course": "课程", "lecture": "讲座",
}  # fmt: skip

LANGUAGES = {
    "zh": "中文", "zh-Hans": "中文（简体）", "zh-Hant": "中文（繁体）", "en": "英语", "fr": "法语",
    "de": "德语", "es": "西班牙语", "it": "意大利语", "ja": "日语", "ko": "韩语", "ru": "俄语",
    "pt": "葡萄牙语", "nl": "荷兰语", "fi": "芬兰语", "sv": "瑞典语", "da": "丹麦语",
    "no": "挪威语", "la": "拉丁语", "el": "希腊语", "eo": "世界语", "hu": "匈牙利语",
    "pl": "波兰语", "ca": "加泰罗尼亚语", "tl": "他加禄语", "ar": "阿拉伯语", "id": "印尼语",
    "cs": "捷克语", "he": "希伯来语", "af": "南非语", "fy": "弗里西语", "mn": "蒙古语",
    "bo": "藏语", "ug": "维吾尔语", "cy": "威尔士语", "ga": "爱尔兰语", "is": "冰岛语",
    "ro": "罗马尼亚语", "fa": "波斯语", "tr": "土耳其语", "vi": "越南语", "th": "泰语",
}  # fmt: skip
