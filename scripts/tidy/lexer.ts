/** Source text split by kind. Each part has the length and line breaks of the whole, the rest is blanks. */
export interface Lexed {
  /** Without comments and without the contents of strings. */
  code: string;
  comments: string;
  strings: string;
}

const REGEX_BEFORE = /(^|[=(,:[!&|?{};+\-*%<>~^]|\breturn|\btypeof|\bcase)\s*$/;

/** Splits TypeScript, JavaScript or C: close enough for rules that look at words and braces. */
class Lexer {
  private readonly parts = { code: [] as string[], comments: [] as string[], strings: [] as string[] };
  private at = 0;
  /** For each open template placeholder, the depth of braces inside it. */
  private readonly templates: number[] = [];

  constructor(
    private readonly text: string,
    private readonly script: boolean,
  ) {}

  run(): Lexed {
    while (this.at < this.text.length) this.next();
    const { code, comments, strings } = this.parts;
    return { code: code.join(""), comments: comments.join(""), strings: strings.join("") };
  }

  private put(kind: keyof Lexed, text: string): void {
    const blank = text.replace(/[^\n]/g, " ");
    for (const part of ["code", "comments", "strings"] as const) {
      this.parts[part].push(part === kind ? text : blank);
    }
    this.at += text.length;
  }

  /** Takes what a sticky expression matches here. */
  private take(kind: keyof Lexed, pattern: RegExp): boolean {
    const sticky = new RegExp(pattern.source, "y");
    sticky.lastIndex = this.at;
    const match = sticky.exec(this.text);
    if (match === null || match[0] === "") return false;
    this.put(kind, match[0]);
    return true;
  }

  private next(): void {
    if (this.take("comments", /\/\/[^\n]*/) || this.take("comments", /\/\*[\s\S]*?(\*\/|$)/)) return;
    const char = this.text[this.at];
    if (char === '"' || char === "'") this.quoted(char);
    else if (this.script && char === "`") this.template();
    else if (this.script && char === "/" && this.regexAllowed() && this.regex()) return;
    else if (this.script && this.templates.length > 0 && (char === "{" || char === "}")) this.brace(char);
    else if (!this.take("code", /[^"'`/{}]+/)) this.put("code", char ?? "");
  }

  private quoted(quote: string): void {
    this.put("code", quote);
    this.take("strings", quote === '"' ? /(\\[\s\S]|[^"\\\n])+/ : /(\\[\s\S]|[^'\\\n])+/);
    if (this.text[this.at] === quote) this.put("code", quote);
  }

  private template(): void {
    this.put("code", "`");
    this.templateRest();
  }

  private templateRest(): void {
    this.take("strings", /(\\[\s\S]|\$(?!\{)|[^`\\$])+/);
    if (this.text[this.at] === "`") this.put("code", "`");
    else if (this.take("code", /\$\{/)) this.templates.push(0);
  }

  private brace(char: string): void {
    const top = this.templates.length - 1;
    const depth = this.templates[top] ?? 0;
    this.put("code", char);
    if (char === "{") this.templates[top] = depth + 1;
    else if (depth > 0) this.templates[top] = depth - 1;
    else {
      this.templates.pop();
      this.templateRest();
    }
  }

  private regexAllowed(): boolean {
    return REGEX_BEFORE.test(this.parts.code.slice(-20).join("").slice(-40));
  }

  private regex(): boolean {
    return this.take("strings", /\/(?![*/])(\\.|\[(\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/);
  }
}

/** Splits TypeScript or JavaScript. */
export function lexScript(text: string): Lexed {
  return new Lexer(text, true).run();
}

/** Splits C. */
export function lexC(text: string): Lexed {
  return new Lexer(text, false).run();
}
