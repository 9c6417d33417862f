"""Every kind of finding: its code, severity, and a sentence in two languages."""

from typing import NamedTuple

from app.publications.models import Severity

NOTE, WARNING, ERROR, FATAL = Severity.NOTE, Severity.WARNING, Severity.ERROR, Severity.FATAL


class Kind(NamedTuple):
    """A kind of finding."""

    severity: Severity
    english: str
    chinese: str


KINDS: dict[str, Kind] = {
    # the file as a whole
    "empty": Kind(FATAL, "The file is empty: upload it again.", "文件为空,请重新上传。"),
    "unreadable": Kind(FATAL, "The file cannot be opened for reading.", "文件无法打开读取。"),
    "extension-differs": Kind(
        NOTE,
        "The file's name ends otherwise than its content; the content was believed.",
        "文件扩展名与内容不符,已按内容处理。",
    ),
    "kind-unknown": Kind(
        FATAL, "The content is of no kind that is known.", "无法识别文件内容的格式。"
    ),
    "kind-unsupported": Kind(
        FATAL,
        "Files of this kind are not supported: convert it to EPUB or PDF.",
        "不支持此格式,请转换为 EPUB 或 PDF 后再上传。",
    ),
    # the process that examines
    "parser-died": Kind(
        FATAL,
        "The file made its reader crash; it is damaged or hostile.",
        "文件导致解析程序崩溃,可能已损坏或含有恶意内容。",
    ),
    "timeout": Kind(
        FATAL, "Reading the file took longer than allowed.", "解析文件超过了允许的时间。"
    ),
    "memory": Kind(
        FATAL, "Reading the file needs more memory than allowed.", "解析文件超过了允许的内存。"
    ),
    "output-limit": Kind(
        FATAL, "What the file unpacks to is larger than allowed.", "文件展开后超过了允许的大小。"
    ),
    "no-space": Kind(
        FATAL, "There is no space left to examine the file: free some.", "磁盘空间不足,请先清理。"
    ),
    # archives
    "zip-truncated": Kind(
        FATAL,
        "The archive has no directory: it is cut off or not an archive; upload it again.",
        "压缩包缺少目录,可能传输不完整,请重新上传。",
    ),
    "zip-directory": Kind(FATAL, "The archive's directory is damaged.", "压缩包目录已损坏。"),
    "zip-split": Kind(
        FATAL, "The archive is one part of several.", "压缩包是分卷的一部分,请合并后上传。"
    ),
    "zip-count": Kind(
        WARNING,
        "The archive's directory holds another number of entries than it says.",
        "压缩包目录中的条目数与声明不符。",
    ),
    "zip-prefix": Kind(
        WARNING, "There are bytes before the archive begins.", "压缩包开头之前有多余数据。"
    ),
    "zip-trailing": Kind(
        WARNING, "There are bytes after the archive ends.", "压缩包结尾之后有多余数据。"
    ),
    "zip-overlap": Kind(
        FATAL,
        "Entries of the archive overlap, as only made-up archives do.",
        "压缩包条目互相重叠,属于恶意构造。",
    ),
    "too-many-entries": Kind(
        FATAL, "The archive holds more entries than allowed.", "压缩包条目数超过上限。"
    ),
    "archive-bomb": Kind(
        FATAL, "The archive unpacks to more than allowed.", "压缩包展开后超过上限,疑似压缩炸弹。"
    ),
    "entry-bomb": Kind(
        ERROR,
        "The entry unpacks to far more than honest content does; it is withheld.",
        "条目展开后异常庞大,疑似压缩炸弹,已停用。",
    ),
    "entry-header": Kind(
        ERROR,
        "The entry's own header is damaged or differs from the directory; it is withheld.",
        "条目自身的头部已损坏或与目录不一致,已停用。",
    ),
    "entry-encrypted": Kind(
        ERROR, "The entry is encrypted with a password; it is withheld.", "条目被密码加密,已停用。"
    ),
    "entry-method": Kind(
        ERROR,
        "The entry is compressed by a method that is not read; it is withheld.",
        "条目使用了不支持的压缩方法,已停用。",
    ),
    "entry-damaged": Kind(
        ERROR, "The entry's data is damaged; it is withheld.", "条目数据已损坏,已停用。"
    ),
    "entry-crc": Kind(
        WARNING,
        "The entry's content does not match its checksum: it may be damaged.",
        "条目内容与校验值不符,可能已损坏。",
    ),
    "entry-size": Kind(
        WARNING, "The entry's content is of another size than stated.", "条目大小与声明不符。"
    ),
    "entry-trailing": Kind(
        WARNING,
        "There are bytes after the end of the entry's compressed data.",
        "条目压缩数据之后有多余数据。",
    ),
    "entry-special": Kind(
        ERROR,
        "The entry is a symbolic link or a device; it is withheld.",
        "条目是符号链接或设备文件,已停用。",
    ),
    "entry-large": Kind(
        WARNING,
        "The entry is too large to be looked into; it is delivered as it is.",
        "条目过大,未解析内容,仅原样提供。",
    ),
    "path-unsafe": Kind(
        ERROR,
        "The entry's name leads out of the archive or hides characters; it is left out.",
        "条目名称越出压缩包或含隐藏字符,已忽略。",
    ),
    "path-backslash": Kind(
        WARNING,
        "The entry's name has backslashes; they were taken for slashes.",
        "条目名称含反斜杠,已按斜杠处理。",
    ),
    "path-encoding": Kind(
        WARNING,
        "The entry's name is not UTF-8; it was guessed.",
        "条目名称不是 UTF-8 编码,已推测。",
    ),
    "path-duplicate": Kind(
        WARNING, "Two entries have the same name; the last was taken.", "条目重名,已采用最后一个。"
    ),
    "path-collision": Kind(
        WARNING,
        "Two entries' names differ only in case or form.",
        "两个条目名称仅大小写或字符形式不同。",
    ),
    # EPUB
    "mimetype-missing": Kind(WARNING, "The mimetype entry is missing.", "缺少 mimetype 条目。"),
    "mimetype-wrong": Kind(
        WARNING,
        "The mimetype entry is not exactly application/epub+zip.",
        "mimetype 条目内容不是 application/epub+zip。",
    ),
    "mimetype-late": Kind(
        NOTE,
        "The mimetype entry is not the first one, stored and without extra field.",
        "mimetype 条目不是首个未压缩条目。",
    ),
    "container-missing": Kind(
        WARNING,
        "META-INF/container.xml is missing or unusable; the package was searched for.",
        "META-INF/container.xml 缺失或不可用,已自动查找包文件。",
    ),
    "package-missing": Kind(
        FATAL, "There is no package document: this is not a book.", "缺少包文件(OPF),无法作为图书。"
    ),
    "package-unreadable": Kind(
        FATAL, "The package document cannot be read.", "包文件(OPF)无法解析。"
    ),
    "package-several": Kind(
        NOTE, "The book has several renditions; the first is used.", "图书有多个版式,已采用第一个。"
    ),
    "xml-malformed": Kind(
        WARNING, "The XML is malformed; what could be read was read.", "XML 格式有误,已尽量读取。"
    ),
    "xml-entities": Kind(
        WARNING,
        "The XML declares entities of its own; they were not expanded.",
        "XML 自定义了实体,未予展开。",
    ),
    "title-missing": Kind(
        WARNING, "The book has no title: give one to the record.", "图书没有题名,请在记录中补充。"
    ),
    "language-missing": Kind(NOTE, "The book names no language.", "图书未注明语种。"),
    "identifier-missing": Kind(NOTE, "The book has no identifier.", "图书没有标识符。"),
    "metadata-characters": Kind(
        WARNING,
        "Control or direction characters were removed from the metadata.",
        "元数据中的控制字符或方向字符已去除。",
    ),
    "metadata-long": Kind(
        WARNING, "A metadata field was cut at its limit.", "元数据字段过长,已截断。"
    ),
    "manifest-missing": Kind(
        WARNING,
        "A file that the manifest names is not in the archive.",
        "清单中的文件不在压缩包内。",
    ),
    "manifest-outside": Kind(
        ERROR,
        "The manifest names a file outside the archive; it was ignored.",
        "清单引用了压缩包之外的文件,已忽略。",
    ),
    "manifest-remote": Kind(
        WARNING,
        "The book needs a resource from the network, which is not loaded.",
        "图书引用了网络资源,不予加载。",
    ),
    "manifest-twice": Kind(
        NOTE, "The manifest names the same file or id twice.", "清单中同一文件或标识出现两次。"
    ),
    "not-in-manifest": Kind(NOTE, "A file is not named in the manifest.", "文件未列入清单。"),
    "href-mended": Kind(
        NOTE,
        "A reference differs from the file's name in case or coding; it was mended.",
        "引用与文件名大小写或编码不同,已修正。",
    ),
    "spine-empty": Kind(
        WARNING,
        "The reading order is empty; the documents were taken as they come.",
        "阅读顺序为空,已按文件顺序读取。",
    ),
    "spine-unknown": Kind(
        WARNING,
        "The reading order names something that is not in the book.",
        "阅读顺序引用了不存在的内容。",
    ),
    "spine-repeated": Kind(
        NOTE, "The reading order names a chapter twice.", "阅读顺序重复引用同一章节。"
    ),
    "nothing-to-read": Kind(FATAL, "No chapter of the book can be read.", "图书没有可阅读的章节。"),
    "toc-missing": Kind(
        NOTE,
        "There is no usable table of contents; the reading order stands for it.",
        "没有可用的目录,已用阅读顺序代替。",
    ),
    "toc-broken": Kind(
        NOTE, "A line of the table of contents leads nowhere.", "目录条目指向不存在的内容。"
    ),
    "drm": Kind(
        FATAL,
        "The book is locked by rights management (DRM); ask for a copy without it.",
        "图书受数字版权保护(DRM)加密,请提供无加密的版本。",
    ),
    "resource-encrypted": Kind(
        ERROR, "A resource is encrypted; it is withheld.", "资源被加密,已停用。"
    ),
    "font-obfuscated": Kind(
        NOTE, "An obfuscated font was restored into a copy.", "混淆字体已还原为副本。"
    ),
    "font-clear": Kind(
        NOTE, "A font is said to be obfuscated, but is not.", "字体标为混淆,实际并未混淆。"
    ),
    "script": Kind(
        NOTE,
        "The book contains scripts, which are not run.",
        "图书含有脚本,不会执行。",
    ),
    "text-cut": Kind(
        WARNING, "The text is longer than is kept for searching.", "文本过长,检索文本已截断。"
    ),
    # covers and images
    "cover-missing": Kind(
        NOTE, "The book has no cover image: upload one.", "图书没有封面图,可另行上传。"
    ),
    "cover-vector": Kind(
        NOTE,
        "The cover is a drawing (SVG), of which no previews are made.",
        "封面为 SVG,不生成预览。",
    ),
    "cover-large": Kind(WARNING, "The cover has more pixels than allowed.", "封面像素数超过上限。"),
    "cover-broken": Kind(
        WARNING, "The cover image cannot be read: upload another.", "封面图无法读取,请另行上传。"
    ),
    # PDF
    "pdf-password": Kind(
        FATAL, "The PDF needs a password: upload it without.", "PDF 需要密码,请上传无密码的版本。"
    ),
    "pdf-broken": Kind(FATAL, "The PDF is damaged beyond reading.", "PDF 已损坏,无法读取。"),
    "pdf-page": Kind(WARNING, "A page of the PDF cannot be read.", "PDF 中有页面无法读取。"),
    "pdf-outline": Kind(NOTE, "The PDF's outline cannot be read.", "PDF 书签无法读取。"),
    "pdf-no-text": Kind(
        NOTE,
        "The PDF holds no text: it is pictures of pages and cannot be searched.",
        "PDF 不含文本(扫描件),无法全文检索。",
    ),
    "pdf-actions": Kind(
        NOTE,
        "The PDF contains scripts or actions, which are not run.",
        "PDF 含有脚本或动作,不会执行。",
    ),
    "too-many-pages": Kind(FATAL, "There are more pages than allowed.", "页数超过上限。"),
    # comics
    "page-broken": Kind(
        WARNING, "A page is not an image that can be read.", "有页面不是可读取的图像。"
    ),
    "comic-empty": Kind(FATAL, "The archive holds no page images.", "压缩包内没有页面图像。"),
    # plain text and HTML
    "encoding-guessed": Kind(
        NOTE,
        "The text is not UTF-8; its encoding was recognised.",
        "文本不是 UTF-8 编码,已识别其编码。",
    ),
    "encoding-losses": Kind(
        WARNING,
        "Some characters could not be decoded.",
        "部分字符无法解码。",
    ),
    "file-large": Kind(
        FATAL, "The file is larger than its kind allows.", "文件超过该格式的大小上限。"
    ),
    "html-resources": Kind(
        WARNING,
        "The page refers to files that did not come with it; they were left out.",
        "网页引用了未随附的文件,已略去。",
    ),
}
