"""What the faces say: Chinese first, English second, in one table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Language(StrEnum):
    """The languages of the faces."""

    CHINESE = "zh"
    ENGLISH = "en"


TABLE: dict[str, tuple[str, str]] = {
    # the frame of every page
    "site": ("开卷", "Kaijuan"),
    "site.motto": ("开卷有益", "Open a book, and gain"),
    "skip": ("跳到正文", "Skip to the content"),
    "nav": ("主导航", "Main"),
    "nav.home": ("首页", "Home"),
    "nav.subjects": ("分类", "Subjects"),
    "nav.search": ("全部馆藏", "Everything"),
    "other-language": ("English", "中文"),
    "footer": ("页脚", "Footer"),
    "footer.source": ("本站源代码（AGPL-3.0）", "Source of this site (AGPL-3.0)"),
    "footer.report": ("报告错误 · 权利主张", "Report a fault · claim a right"),
    "footer.api": ("接口文档", "API"),
    # searching
    "search": ("搜索", "Search"),
    "search.label": ("搜索书名、作者、主题", "Search titles, authors, subjects"),
    "search.placeholder": ("书名、作者、主题或拼音", "Title, author or subject"),
    "search.title": ("搜索馆藏", "Search the library"),
    "search.of": ("“{q}”的搜索结果", "Results for “{q}”"),
    "search.total": ("共 {n} 条", "{n} results"),
    "search.many": ("超过 {n} 条", "more than {n} results"),
    "search.correction": ("您是不是要找：", "Did you mean: "),
    "search.relaxed": (
        "没有同时符合全部条件的记录，以下结果只符合其中一部分。",
        "Nothing matches every word; these match some of them.",
    ),
    "search.nothing": ("没有找到相符的记录", "Nothing was found"),
    "search.nothing.help": ("可以试试：", "You might try:"),
    "search.nothing.fewer": ("少用几个字，或只写书名里记得的部分", "fewer words, or only the part of the title you remember"),
    "search.nothing.pinyin": ("用拼音或拼音首字母，例如 hlm", "pinyin or its initials, such as hlm"),
    "search.nothing.filters": ("去掉筛选条件", "removing the filters"),
    "search.nothing.browse": ("按分类浏览", "browsing by subject"),
    "search.next": ("下一页", "Next page"),
    "search.first": ("回到第一页", "Back to the first page"),
    "search.narrow": (
        "结果很多，只显示前 1,000 条；请加上词语或筛选条件来缩小范围。",
        "Only the first 1,000 are shown; add words or filters to narrow the search.",
    ),
    "search.results": ("结果", "Results"),
    "filters": ("筛选", "Filters"),
    "filters.applied": ("已选条件", "Applied filters"),
    "filters.remove": ("去掉", "Remove"),
    "filters.clear": ("全部清除", "Clear all"),
    "filters.sampled": ("计数取自最相关的一部分", "counted over the best matches"),
    "facet.kind": ("类型", "Kind"),
    "facet.subject": ("主题", "Subject"),
    "facet.language": ("语种", "Language"),
    "facet.library": ("馆藏单位", "Library"),
    "facet.year": ("年代", "Year"),
    "facet.available": ("可否阅读", "Availability"),
    "available.true": ("可在线阅读", "Can be read here"),
    "available.false": ("仅有书目", "Catalogue record only"),
    "sort": ("排序", "Sort"),
    "sort.relevance": ("最相关", "Relevance"),
    "sort.title": ("书名", "Title"),
    "sort.year": ("年代（早→晚）", "Oldest"),
    "sort.-year": ("年代（晚→早）", "Newest published"),
    "sort.added": ("新入藏", "Newly added"),
    "sort.apply": ("应用", "Apply"),
    # kinds and roles
    "kind.book": ("图书", "Book"),
    "kind.journal": ("期刊", "Journal"),
    "kind.issue": ("期次", "Issue"),
    "kind.article": ("文章", "Article"),
    "kind.collection": ("专题", "Collection"),
    "kind.item": ("特色资源", "Collection item"),
    "kind.course": ("课程", "Course"),
    "kind.lecture": ("讲座", "Lecture"),
    "role.author": ("著", "author"),
    "role.editor": ("编", "editor"),
    "role.compiler": ("辑", "compiler"),
    "role.translator": ("译", "translator"),
    "role.annotator": ("注", "annotator"),
    "role.proofreader": ("校", "proofreader"),
    "role.commentator": ("评", "commentator"),
    "role.illustrator": ("绘", "illustrator"),
    "role.calligrapher": ("书", "calligrapher"),
    "role.engraver": ("刻", "engraver"),
    "role.author of preface": ("序", "author of preface"),
    # languages of records
    "language.zh": ("中文", "Chinese"),
    "language.lzh": ("文言文", "Literary Chinese"),
    "language.en": ("英语", "English"),
    "language.fr": ("法语", "French"),
    "language.de": ("德语", "German"),
    "language.es": ("西班牙语", "Spanish"),
    "language.it": ("意大利语", "Italian"),
    "language.pt": ("葡萄牙语", "Portuguese"),
    "language.nl": ("荷兰语", "Dutch"),
    "language.fi": ("芬兰语", "Finnish"),
    "language.la": ("拉丁语", "Latin"),
    "language.el": ("希腊语", "Greek"),
    "language.ja": ("日语", "Japanese"),
    "language.ko": ("朝鲜语", "Korean"),
    "language.ru": ("俄语", "Russian"),
    "language.ar": ("阿拉伯语", "Arabic"),
    "language.bo": ("藏语", "Tibetan"),
    "language.ug": ("维吾尔语", "Uyghur"),
    "language.mn": ("蒙古语", "Mongolian"),
    # home
    "home.title": ("开卷 · 数字图书馆", "Kaijuan · Digital Library"),
    "home.lead": ("一次搜索，遍览各馆所藏", "One search across every library"),
    "home.total": ("馆藏书目 {n} 种", "{n} records"),
    "home.readable.count": ("其中 {n} 种可在线阅读", "{n} can be read here"),
    "home.subjects": ("按分类浏览", "Browse by subject"),
    "home.readable": ("新到可读", "Ready to read"),
    "home.newest": ("新编书目", "Newly catalogued"),
    "home.all": ("全部", "See all"),
    "home.empty": ("书架还是空的", "The shelves are still empty"),
    "home.empty.help": (
        "导入书目和图书之后，这里会出现分类书架和新书。",
        "Once records and books are imported, shelves and new books appear here.",
    ),
    "home.empty.records": ("导入书目记录", "Import records"),
    "home.empty.books": ("导入图书文件", "Import books"),
    "home.empty.demo": ("载入示范图书馆", "Load the demonstration library"),
    # a record
    "record.read": ("阅读", "Read"),
    "record.download": ("下载", "Download"),
    "record.closed": ("暂时不能打开", "It cannot be opened now"),
    "record.no-file": ("本馆目前只有这一条书目，没有可以打开的全文。", "The library has only the record, no text to open."),
    "record.other-titles": ("其他题名", "Other titles"),
    "record.agents": ("责任者", "Responsibility"),
    "record.description": ("内容提要", "Description"),
    "record.contents": ("目录", "Contents"),
    "record.subjects": ("主题与分类", "Subjects"),
    "record.details": ("书目信息", "Details"),
    "record.date": ("日期", "Date"),
    "record.understood": ("约 {years} 年", "understood as {years}"),
    "record.bce": ("公元前 {year}", "{year} BC"),
    "record.publisher": ("出版者", "Publisher"),
    "record.place": ("出版地", "Place"),
    "record.language": ("语种", "Language"),
    "record.edition": ("版本", "Edition"),
    "record.extent": ("数量", "Extent"),
    "record.series": ("丛书", "Series"),
    "record.identifiers": ("标识号", "Identifiers"),
    "record.rights": ("权利说明", "Rights"),
    "record.licence": ("许可", "Licence"),
    "record.library": ("馆藏单位", "Library"),
    "record.rating": ("评分", "Rating"),
    "record.votes": ("{n} 人评", "{n} ratings"),
    "record.parts": ("所含内容", "What it contains"),
    "remedy.sign-in": ("请先登录读者账户。", "Sign in with your reader account."),
    "remedy.staff-only": ("这份资源只供馆员使用。", "It is kept for the library's staff."),
    "remedy.policy": ("这份资源的使用规定暂不允许打开。", "Its access policy does not admit you."),
    "record.editions": ("同一作品的其他版本", "Other editions of this work"),
    "record.source": ("原始记录字段", "Fields of the source record"),
    "record.report": ("报告这条记录的错误或主张权利", "Report a fault or claim a right on this record"),
    "record.withdrawn": ("已撤回", "Withdrawn"),
    "record.withdrawn.since": ("撤回时间", "Withdrawn at"),
    "record.successor": ("由此替代", "Replaced by"),
    # subjects
    "subjects": ("分类浏览", "Subjects"),
    "subjects.lead": ("中国图书馆分类法", "Chinese Library Classification"),
    "subjects.path": ("所在位置", "You are here"),
    "subjects.books": ("查看本类 {n} 条", "See its {n} records"),
    "subjects.none": ("本类暂无记录", "No records in this class yet"),
    "subjects.children": ("下位类", "Narrower classes"),
    # reading
    "read.title": ("阅读", "Reading"),
    "read.back": ("返回详情", "Back to the record"),
    "read.toc": ("目录", "Contents"),
    "read.settings": ("显示设置", "Display"),
    "read.close": ("关闭", "Close"),
    "read.previous": ("上一章", "Previous chapter"),
    "read.next": ("下一章", "Next chapter"),
    "read.progress": ("阅读进度", "Progress"),
    "read.size": ("字号", "Text size"),
    "read.smaller": ("减小字号", "Smaller text"),
    "read.larger": ("增大字号", "Larger text"),
    "read.theme": ("底色", "Theme"),
    "read.day": ("白昼", "Day"),
    "read.sepia": ("护眼", "Sepia"),
    "read.night": ("夜间", "Night"),
    "read.font": ("字体", "Typeface"),
    "read.font.book": ("原书", "As in the book"),
    "read.font.serif": ("宋体", "Serif"),
    "read.font.sans": ("黑体", "Sans"),
    "read.loading": ("正在打开……", "Opening…"),
    "read.failed": ("没能打开这一部分", "This part could not be opened"),
    "read.failed.help": (
        "请检查网络后重试；如果一直不行，可以下载后阅读。",
        "Check the connection and try again; if that does not help, download the book.",
    ),
    "read.retry": ("重试", "Try again"),
    "read.closed": ("这本书现在不能打开", "This book cannot be opened now"),
    "read.pdf": ("这是一份 PDF 文件", "This is a PDF file"),
    "read.pdf.open": ("打开 PDF", "Open the PDF"),
    "read.frame": ("正文", "Text"),
    "read.noscript": (
        "翻页阅读需要 JavaScript；您也可以下载后用其他软件阅读。",
        "Reading in place needs JavaScript; you can also download the book.",
    ),
    "read.leave": ("离开本站", "Leave this site"),
    "read.leave.help": ("书中的链接指向别的网站：", "This link in the book leads to another site:"),
    "read.leave.open": ("在新窗口打开", "Open in a new window"),
    "read.keys": ("方向键或轻点左右两侧翻页，轻点中间显示工具栏", "Arrow keys or taps at the sides turn; a tap in the middle shows the bars"),
    # what is not a book
    "problem.advice": ("怎么办", "What to do"),
    "problem.detail": ("详情", "Details"),
    "problem.request": ("请求编号", "Request id"),
    "problem.home": ("回到首页", "Back to the home page"),
    "problems": ("问题类型", "Problem types"),
    "problem.status": ("HTTP 状态", "HTTP status"),
    "source": ("源代码", "Source code"),
    "source.licence": (
        "开卷是自由软件，依 GNU Affero 通用公共许可证第 3 版或更新版本发布。凡通过网络使用本站者，都有权取得本站正在运行的版本的完整源代码。",
        "Kaijuan is free software under the GNU Affero General Public License, version 3 or later. "
        "Everybody who uses this site over a network may have the complete source of the version that runs it.",
    ),
    "source.download": ("下载正在运行的源代码", "Download the source that is running"),
    "source.elsewhere": ("本站管理者指定的源代码地址", "The operator keeps the source at"),
    "sign-in": ("登录", "Sign in"),
    "sign-in.how": (
        "请打开管理者发给您的登录链接；每个链接只能使用一次。本站的图书无须登录即可阅读。",
        "Open the sign-in link that your administrator sent you; each works once. "
        "Books that are open can be read without signing in.",
    ),
    "sign-in.now": ("在这台设备上登录", "Sign in on this device"),
    "sign-in.refused": (
        "这个链接无效，或已经用过。请向管理者要一个新的。",
        "This link is not valid, or has been used. Ask your administrator for a new one.",
    ),
    "report": ("报告错误 · 主张权利", "Report a fault · claim a right"),
    "report.about": ("所涉页面", "About"),
    "report.how": (
        "请把下面的内容补充完整，交给提供该资源的图书馆（见记录页的“馆藏单位”），或本站的管理者。",
        "Complete the lines below and send them to the library that provides the resource "
        "(named on its page), or to the operator of this site.",
    ),
    "report.fault": ("报告错误", "To report a fault"),
    "report.fault.what": ("哪里不对，应当是什么，依据是什么。", "What is wrong, what would be right, and how you know."),
    "report.right": ("主张权利", "To claim a right"),
    "report.right.what": (
        "您是谁、对哪件作品享有何种权利、证明材料，以及希望如何处理；请留下联系方式。",
        "Who you are, which right in which work you hold, the evidence, and what you ask for; "
        "leave a way to reach you.",
    ),
    "report.line.what": ("情况：", "What:"),
    "report.line.why": ("依据或证明：", "Evidence:"),
    "report.line.who": ("姓名与联系方式：", "Name and how to reach you:"),
    "report.copy": ("可以照抄的内容", "Lines to copy"),
    "report.mail": ("写一封邮件", "Write a mail"),
    "api": ("接口文档", "API"),
    "api.lead": ("由 OpenAPI 文档生成；机器可读的一份在", "Made from the OpenAPI document; the machine-readable one is at"),
    "api.parameters": ("参数", "Parameters"),
    "api.body": ("请求正文", "Body"),
    "api.answers": ("回答", "Answers"),
    "api.permission": ("权限", "Permission"),
    "api.schemas": ("数据结构", "Schemas"),
    "api.required": ("必填", "required"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Words:
    """The table in one language: ``words("search.total", n=3)``."""

    language: Language

    @property
    def tag(self) -> str:
        """The language as an HTML ``lang`` attribute names it (BCP 47)."""
        return "zh-Hans" if self.language is Language.CHINESE else "en"

    def __call__(self, key: str, **values: Any) -> str:
        """The words under ``key``.

        :raises KeyError: for a key that is not in the table.
        """
        text = TABLE[key][self.language is Language.ENGLISH]
        return text.format(**values) if values else text

    def of(self, group: str, name: str) -> str:
        """The words under ``group.name``; the name itself, when the table does not know it."""
        pair = TABLE.get(f"{group}.{name}")
        return pair[self.language is Language.ENGLISH] if pair else name
