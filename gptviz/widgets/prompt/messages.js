// @ts-check
/** The messages of a chat as rows, each with a menu of roles and a field. */
import { button, element } from "../shared/dom.js";
import { GrowingField } from "./field.js";

/** @typedef {{role: string, content: string}} Message */

const ROLES = ["system", "user", "assistant"];

export class MessageRows {
  /**
   * @param {import("./words.js").Words} words
   * @param {() => void} onEdit somebody changed, added or removed a message
   */
  constructor(words, onEdit) {
    this.words = words;
    this.onEdit = onEdit;
    /** @type {{root: HTMLElement, role: HTMLSelectElement, field: GrowingField, remove: HTMLButtonElement}[]} */
    this.rows = [];
    this.list = element("ol", { "aria-label": words.messages });
    this.addButton = button(words.add, () => this.addNext(), { class: "add small" });
    this.root = element("div", { class: "messages" }, this.list, this.addButton);
  }

  /** @returns {Message[]} */
  get values() {
    return this.rows.map(({ role, field }) => ({ role: role.value, content: field.value }));
  }

  /** Shows these messages. Rows that are there stay, so that a field keeps its cursor. @param {Message[]} messages */
  show(messages) {
    while (this.rows.length > messages.length) this.rows.pop()?.root.remove();
    while (this.rows.length < messages.length) this.append();
    messages.forEach(({ role, content }, i) => {
      const row = this.rows[i];
      if (![...row.role.options].some(({ value }) => value === role)) row.role.add(this.option(role));
      row.role.value = role;
      row.field.value = content;
    });
    this.number();
  }

  /** Adds an empty message of whoever speaks next. */
  addNext() {
    const last = this.values.at(-1)?.role;
    const row = this.append();
    row.role.value = last === "user" ? "assistant" : "user";
    this.number();
    this.onEdit();
    row.field.input.focus();
    this.root.scrollTop = this.root.scrollHeight;
  }

  append() {
    const field = new GrowingField("", this.onEdit);
    const role = element("select", {}, ...ROLES.map((name) => this.option(name)));
    role.addEventListener("change", this.onEdit);
    const remove = button("×", () => this.remove(row), { class: "remove" });
    const row = { root: element("li", {}, role, field.root, remove), role, field, remove };
    this.rows.push(row);
    this.list.append(row.root);
    return row;
  }

  /** @param {string} role */
  option(role) {
    return element("option", { value: role }, this.words.roles[role] ?? role);
  }

  /** @param {MessageRows["rows"][number]} row */
  remove(row) {
    const index = this.rows.indexOf(row);
    this.rows.splice(index, 1);
    row.root.remove();
    this.number();
    this.onEdit();
    this.rows[Math.min(index, this.rows.length - 1)].field.input.focus();
  }

  /** Names each row by its number. The only one cannot be removed. */
  number() {
    this.rows.forEach(({ role, field, remove }, i) => {
      role.setAttribute("aria-label", this.words.roleOf(i + 1));
      field.input.setAttribute("aria-label", this.words.contentOf(i + 1));
      remove.setAttribute("aria-label", this.words.remove(i + 1));
      remove.disabled = this.rows.length === 1;
    });
  }

  /** Shows the last messages where there is not room for all, unless somebody types. */
  scrollToEnd() {
    for (const { field } of this.rows) field.scrollToEnd();
    if (!this.root.contains(document.activeElement)) this.root.scrollTop = this.root.scrollHeight;
  }
}
