import type { ComponentChildren, JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { formatPercent, useText } from '../i18n';
import type { ModerationMark } from '../api/types';
import type { Inline } from '../text/inline';
import type { Block } from '../text/markdown';
import { parseMarkdown } from '../text/markdown';
import { applyMarks, insertMarks, markSpans, withoutPrivate } from '../text/marks';
import { CopyButton } from './copy_button';

interface MarkdownProps {
  text: string;
  citations?: ReadonlySet<number>;
  marks?: ModerationMark[];
  renderCitation?: (id: number, occurrence: number, key: number) => ComponentChildren;
}

interface Context {
  marks: ModerationMark[];
  renderCitation: (id: number, occurrence: number, key: number) => ComponentChildren;
}

/** Every text becomes a text node; there is no way from an answer to markup. */
export function Markdown({ text, citations, marks = [], renderCitation }: MarkdownProps) {
  const blocks = useMemo(() => {
    const safe = withoutPrivate(text);
    const marked = marks.length > 0 ? insertMarks(safe, markSpans(safe, marks)) : safe;
    const parsed = parseMarkdown(marked, citations ? { citations } : {});
    return marks.length > 0 ? applyMarks(parsed) : parsed;
  }, [text, citations, marks]);
  const context: Context = { marks, renderCitation: renderCitation ?? ((id) => `[${id}]`) };
  return <div class="markdown">{blocks.map((block, key) => renderBlock(block, key, context))}</div>;
}

function renderBlock(block: Block, key: number, context: Context): JSX.Element {
  switch (block.kind) {
    case 'paragraph':
      return <p key={key}>{renderInlines(block.children, context)}</p>;
    case 'heading': {
      const Tag = `h${Math.min(6, block.level + 3)}` as 'h4'; // the page's own headings stand above
      return <Tag key={key}>{renderInlines(block.children, context)}</Tag>;
    }
    case 'code':
      return <CodeBlock key={key} language={block.language} text={block.text} />;
    case 'quote':
      return <blockquote key={key}>{block.blocks.map((inner, at) => renderBlock(inner, at, context))}</blockquote>;
    case 'list':
      return renderList(block, key, context);
    case 'table':
      return renderTable(block, key, context);
    case 'rule':
      return <hr key={key} />;
  }
}

function renderList(block: Extract<Block, { kind: 'list' }>, key: number, context: Context): JSX.Element {
  const items = block.items.map((item, at) => {
    const only = item.length === 1 ? item[0] : undefined;
    const tight = only?.kind === 'paragraph';
    return (
      <li key={at}>{tight ? renderInlines(only.children, context) : item.map((inner, i) => renderBlock(inner, i, context))}</li>
    );
  });
  return block.ordered ? (
    <ol key={key} start={block.start}>
      {items}
    </ol>
  ) : (
    <ul key={key}>{items}</ul>
  );
}

function renderTable(block: Extract<Block, { kind: 'table' }>, key: number, context: Context): JSX.Element {
  return (
    <div class="table-scroll" key={key} tabIndex={0} role="group">
      <table>
        <thead>
          <tr>
            {block.head.map((cell, at) => (
              <th key={at}>{renderInlines(cell, context)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {block.rows.map((row, at) => (
            <tr key={at}>
              {row.map((cell, column) => (
                <td key={column}>{renderInlines(cell, context)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function CodeBlock({ language, text }: { language: string; text: string }) {
  return (
    <figure class="code-block">
      <figcaption>
        <span>{language}</span>
        <CopyButton text={text} />
      </figcaption>
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
    </figure>
  );
}

function renderInlines(nodes: Inline[], context: Context): ComponentChildren {
  return nodes.map((node, key) => renderInline(node, key, context));
}

function renderInline(node: Inline, key: number, context: Context): ComponentChildren {
  switch (node.kind) {
    case 'text':
      return node.text;
    case 'code':
      return <code key={key}>{node.text}</code>;
    case 'strong':
      return <strong key={key}>{renderInlines(node.children, context)}</strong>;
    case 'emphasis':
      return <em key={key}>{renderInlines(node.children, context)}</em>;
    case 'deleted':
      return <del key={key}>{renderInlines(node.children, context)}</del>;
    case 'link':
      return (
        <a key={key} href={node.href} target="_blank" rel="noopener noreferrer nofollow">
          {renderInlines(node.children, context)}
        </a>
      );
    case 'citation':
      return context.renderCitation(node.id, node.occurrence, key);
    case 'mark':
      return (
        <MarkedText key={key} mark={context.marks[node.index]}>
          {renderInlines(node.children, context)}
        </MarkedText>
      );
    case 'break':
      return <br key={key} />;
  }
}

export function MarkedText({ mark, children }: { mark: ModerationMark | undefined; children: ComponentChildren }) {
  const t = useText();
  const words = mark ? t('mark_at', { category: mark.category, p: formatPercent(mark.score) }) : '';
  return (
    <span class="moderation-mark" title={words}>
      {children}
      <span class="visually-hidden"> ({words})</span>
    </span>
  );
}

/** Plain text with marks, for what a person wrote. */
export function MarkedPlainText({ text, marks }: { text: string; marks: ModerationMark[] }) {
  const pieces: ComponentChildren[] = [];
  let at = 0;
  for (const span of markSpans(text, marks)) {
    pieces.push(text.slice(at, span.start));
    pieces.push(
      <MarkedText key={span.start} mark={marks[span.index]}>
        {text.slice(span.start, span.end)}
      </MarkedText>,
    );
    at = span.end;
  }
  pieces.push(text.slice(at));
  return <p class="plain-text">{pieces}</p>;
}
