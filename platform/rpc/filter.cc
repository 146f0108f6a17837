#include "platform/rpc/filter.h"

#include <cctype>

#include "platform/errors/errors.h"
#include "platform/rpc/filter_value.h"
#include "platform/text/text.h"
#include "trialog/options.pb.h"

namespace trialog::rpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

using filter::Holds;
using filter::IsOrdered;
using filter::KindOfValue;
using filter::Operator;
using filter::ParseValue;
using filter::Read;
using filter::TextOf;
using filter::Value;

}  // namespace

struct Filter::Node {
  enum class Kind { kAnd, kOr, kNot, kCompare };
  Kind kind = Kind::kCompare;
  std::vector<std::shared_ptr<const Node>> children;
  // Of kCompare:
  std::string path;
  std::vector<const FieldDescriptor*> fields;  // The path, outermost first.
  Operator op = Operator::kEqual;
  Value value;
};

namespace {

using Node = Filter::Node;
using NodePtr = std::shared_ptr<const Node>;

bool Compare(const Node& node, const Message& root) {
  const Message* message = &root;
  for (size_t i = 0; i + 1 < node.fields.size(); ++i) {
    const Reflection& reflection = *message->GetReflection();
    if (!reflection.HasField(*message, node.fields[i])) return false;
    message = &reflection.GetMessage(*message, node.fields[i]);
  }
  const FieldDescriptor& field = *node.fields.back();
  const Reflection& reflection = *message->GetReflection();
  if (field.is_repeated()) {
    const int size = reflection.FieldSize(*message, &field);
    if (node.op == Operator::kPresent) return size > 0;
    for (int i = 0; i < size; ++i)
      if (Holds(Read(*message, field, i), node.op, node.value)) return true;
    return false;
  }
  const bool set = reflection.HasField(*message, &field);
  if (node.op == Operator::kPresent || (field.message_type() != nullptr && !set)) return set;
  return Holds(Read(*message, field, -1), node.op, node.value);
}

bool Evaluate(const Node& node, const Message& message) {
  const auto holds = [&](const NodePtr& child) { return Evaluate(*child, message); };
  switch (node.kind) {
    case Node::Kind::kAnd:
      return std::all_of(node.children.begin(), node.children.end(), holds);
    case Node::Kind::kOr:
      return std::any_of(node.children.begin(), node.children.end(), holds);
    case Node::Kind::kNot:
      return !holds(node.children.front());
    case Node::Kind::kCompare:
      return Compare(node, message);
  }
  return false;
}

// ---- Grammar
// -----------------------------------------------------------------------------------------------------------
//   expression  = disjunction { "AND" disjunction }
//   disjunction = term { "OR" term }
//   term        = [ "NOT" | "-" ] simple
//   simple      = "(" expression ")" | path operator value

bool IsPathChar(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.'; }
bool IsBareChar(char c) { return IsPathChar(c) || std::string_view("-+:/~@").find(c) != std::string_view::npos; }

class Parser {
 public:
  Parser(std::string_view text, const Descriptor& type, const std::vector<std::string_view>& declared)
      : text_(text), type_(type), declared_(declared) {}

  absl::StatusOr<NodePtr> Parse() {
    NodePtr root = Expression(0);
    SkipSpace();
    if (root != nullptr && at_ < text_.size()) root = Fail("expected AND, OR or the end");
    if (root == nullptr) return error_;
    return root;
  }

 private:
  NodePtr Fail(std::string_view what) { return FailAt(at_, what); }
  NodePtr FailAt(size_t position, std::string_view what) {
    if (error_.ok()) error_ = BadField("filter", "BAD_FILTER", Cat("at character ", position + 1, ": ", what));
    return nullptr;
  }

  void SkipSpace() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
  }
  bool Take(char c) {
    SkipSpace();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  // Takes a keyword that stands alone: "AND" but not the start of "ANDROID".
  bool TakeWord(std::string_view word) {
    SkipSpace();
    if (text_.substr(at_, word.size()) != word) return false;
    const size_t end = at_ + word.size();
    if (end < text_.size() && IsBareChar(text_[end])) return false;
    at_ = end;
    return true;
  }
  std::string_view TakeWhile(bool (*keep)(char)) {
    const size_t begin = at_;
    while (at_ < text_.size() && keep(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  // Operands of one kind joined by `word`; one operand stands for itself.
  NodePtr Joined(Node::Kind kind, std::string_view word, int depth, NodePtr (Parser::*operand)(int)) {
    auto node = std::make_shared<Node>();
    node->kind = kind;
    do {
      NodePtr child = (this->*operand)(depth);
      if (child == nullptr) return nullptr;
      node->children.push_back(std::move(child));
    } while (TakeWord(word));
    return node->children.size() == 1 ? node->children.front() : node;
  }
  NodePtr Expression(int depth) { return Joined(Node::Kind::kAnd, "AND", depth, &Parser::Disjunction); }
  NodePtr Disjunction(int depth) { return Joined(Node::Kind::kOr, "OR", depth, &Parser::Term); }

  NodePtr Term(int depth) {
    if (depth > kMaxFilterDepth) return Fail("nested too deep");
    if (!TakeWord("NOT") && !Take('-')) return Simple(depth);
    auto node = std::make_shared<Node>();
    node->kind = Node::Kind::kNot;
    NodePtr child = Simple(depth + 1);
    if (child == nullptr) return nullptr;
    node->children.push_back(std::move(child));
    return node;
  }

  NodePtr Simple(int depth) {
    if (!Take('(')) return Comparison();
    NodePtr inner = Expression(depth + 1);
    if (inner != nullptr && !Take(')')) return Fail("expected )");
    return inner;
  }

  NodePtr Comparison() {
    SkipSpace();
    const size_t start = at_;
    auto node = std::make_shared<Node>();
    node->path = std::string(TakeWhile(IsPathChar));
    if (node->path.empty()) return Fail("expected a field");
    if (++comparisons_ > kMaxFilterComparisons) return FailAt(start, "too many comparisons");
    if (!ResolvePath(*node)) return FailAt(start, Cat("'", node->path.substr(0, 128), "' cannot be filtered on"));
    if (!TakeOperator(node->op)) return Fail(Cat("expected = != < <= > >= or : after '", node->path, "'"));
    const FieldDescriptor& field = *node->fields.back();
    if (node->op == Operator::kHas && Take('*')) {
      node->op = Operator::kPresent;
      return node;
    }
    if (node->op != Operator::kHas && field.is_repeated())
      return FailAt(start, Cat("'", node->path, "' is a list: use :"));
    const bool equality = node->op == Operator::kEqual || node->op == Operator::kNotEqual || node->op == Operator::kHas;
    if (!equality && !IsOrdered(field)) return FailAt(start, Cat("'", node->path, "' has no order: use = or !="));
    return TakeValue(*node) ? node : nullptr;
  }

  bool TakeOperator(Operator& op) {
    if (Take('!')) return op = Operator::kNotEqual, at_ < text_.size() && text_[at_++] == '=';
    const auto or_equal = [&](Operator without, Operator with) {
      const bool equal = at_ < text_.size() && text_[at_] == '=';
      at_ += equal ? 1 : 0;
      return op = equal ? with : without, true;
    };
    if (Take('<')) return or_equal(Operator::kLess, Operator::kLessOrEqual);
    if (Take('>')) return or_equal(Operator::kGreater, Operator::kGreaterOrEqual);
    if (Take('=')) return op = Operator::kEqual, true;
    if (Take(':')) return op = Operator::kHas, true;
    return false;
  }

  bool TakeValue(Node& node) {
    SkipSpace();
    const size_t start = at_;
    std::string text;
    if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
      if (!TakeQuoted(text)) return Fail("a quote is not closed"), false;
    } else {
      text = std::string(TakeWhile(IsBareChar));
      if (text.empty()) return Fail("expected a value"), false;
    }
    const FieldDescriptor& field = *node.fields.back();
    node.value = ParseValue(field, text);
    if (!std::holds_alternative<std::monostate>(node.value)) return true;
    return FailAt(start, Cat("'", node.path, "' is compared with ", KindOfValue(field))), false;
  }

  bool TakeQuoted(std::string& out) {
    const char quote = text_[at_++];
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' && ++at_ == text_.size()) return false;
      out += text_[at_++];
    }
    return at_ < text_.size() && text_[at_++] == quote;
  }

  // Whether the path is declared and all of it may be asked about. One answer for "unknown" and "not allowed".
  bool ResolvePath(Node& node) const {
    if (std::find(declared_.begin(), declared_.end(), node.path) == declared_.end()) return false;
    const Descriptor* type = &type_;
    for (std::string_view part : Split(node.path, '.')) {
      if (type == nullptr) return false;
      const FieldDescriptor* field = type->FindFieldByName(std::string(part));
      if (field == nullptr || field->options().GetExtension(personal) || field->options().GetExtension(secret))
        return false;
      if (!node.fields.empty() && node.fields.back()->is_repeated()) return false;
      node.fields.push_back(field);
      type = field->message_type();
    }
    return !node.fields.back()->is_map() && node.fields.back()->type() != FieldDescriptor::TYPE_BYTES;
  }

  const std::string_view text_;
  const Descriptor& type_;
  const std::vector<std::string_view>& declared_;
  size_t at_ = 0;
  int comparisons_ = 0;
  absl::Status error_;
};

std::optional<std::string> Demanded(const Node& node, std::string_view path) {
  if (node.kind == Node::Kind::kCompare && node.op == Operator::kEqual && node.path == path)
    return TextOf(*node.fields.back(), node.value);
  if (node.kind != Node::Kind::kAnd) return std::nullopt;
  for (const NodePtr& child : node.children)
    if (auto value = Demanded(*child, path)) return value;
  return std::nullopt;
}

}  // namespace

absl::StatusOr<Filter> Filter::Parse(std::string_view text, const Descriptor& type,
                                     const std::vector<std::string_view>& declared) {
  Filter filter;
  if (text.find_first_not_of(" \t\n") == std::string_view::npos) return filter;
  if (text.size() > kMaxFilterBytes)
    return BadField("filter", "BAD_FILTER", Cat("is longer than ", kMaxFilterBytes, " bytes"));
  auto root = Parser(text, type, declared).Parse();
  if (!root.ok()) return root.status();
  filter.root_ = *std::move(root);
  return filter;
}

bool Filter::Matches(const Message& message) const { return root_ == nullptr || Evaluate(*root_, message); }

std::optional<std::string> Filter::EqualityOn(std::string_view path) const {
  return root_ == nullptr ? std::nullopt : Demanded(*root_, path);
}

}  // namespace trialog::rpc
