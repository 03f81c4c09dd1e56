//! The import graph of the source files, read with `syn`. Names are followed through re-exports to the file that defines
//! them; test modules are ignored.

use std::collections::{BTreeMap, BTreeSet};

use syn::{
    Attribute, Item, ItemEnum, ItemMod, ItemStruct, ItemTrait, ItemType, Path, UseTree, Visibility,
    visit::{self, Visit},
};

use crate::{files, read};

/// A module's path within the crate, such as `["engine", "intake"]`.
type Module = Vec<String>;

/// A name brought into a module by `use`.
struct Import {
    name: String,
    path: Vec<String>,
}

/// One source file.
#[derive(Default)]
struct Source {
    module: Module,
    /// Names of items that the file defines.
    items: BTreeSet<String>,
    /// Names of types that other files can use.
    types: Vec<String>,
    imports: Vec<Import>,
    globs: Vec<Vec<String>>,
    /// Paths of at least two segments in the code.
    paths: Vec<Vec<String>>,
}

/// The source files of the crate by path, relative to the repository.
pub struct Crate {
    sources: BTreeMap<String, Source>,
    modules: BTreeMap<Module, String>,
}

/// Importing file -> imported file -> imported names.
pub type Graph = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "test")
    })
}

impl Source {
    fn add_use(&mut self, tree: &UseTree, prefix: &[String]) {
        let with = |name: String| prefix.iter().cloned().chain([name]).collect::<Vec<_>>();
        match tree {
            UseTree::Path(path) => self.add_use(&path.tree, &with(path.ident.to_string())),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_use(tree, prefix)),
            UseTree::Glob(_) => self.globs.push(prefix.to_vec()),
            UseTree::Name(name) if name.ident == "self" => {
                self.imports.push(Import { name: prefix.last().cloned().unwrap_or_default(), path: prefix.to_vec() });
            }
            UseTree::Name(name) => {
                self.imports.push(Import { name: name.ident.to_string(), path: with(name.ident.to_string()) });
            }
            UseTree::Rename(rename) => {
                self.imports.push(Import { name: rename.rename.to_string(), path: with(rename.ident.to_string()) });
            }
        }
    }

    fn define(&mut self, item: &Item) {
        if let Item::Enum(ItemEnum { vis, ident, .. })
        | Item::Struct(ItemStruct { vis, ident, .. })
        | Item::Trait(ItemTrait { vis, ident, .. })
        | Item::Type(ItemType { vis, ident, .. }) = item
            && !matches!(vis, Visibility::Inherited)
        {
            self.types.push(ident.to_string());
        }
        let name = match item {
            Item::Const(item) => &item.ident,
            Item::Enum(item) => &item.ident,
            Item::Fn(item) => &item.sig.ident,
            Item::Static(item) => &item.ident,
            Item::Struct(item) => &item.ident,
            Item::Trait(item) => &item.ident,
            Item::Type(item) => &item.ident,
            Item::Union(item) => &item.ident,
            _ => return,
        };
        self.items.insert(name.to_string());
    }
}

impl<'ast> Visit<'ast> for Source {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Use(item) if !is_test(&item.attrs) => self.add_use(&item.tree, &[]),
            Item::Fn(item) if is_test(&item.attrs) => {}
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.segments.len() > 1 {
            self.paths.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }
}

/// Returns the module of a file; `None` for a file of tests.
fn module(file: &str) -> Option<Module> {
    let path = file.strip_prefix("src/")?.strip_suffix(".rs")?;
    let mut module: Module = path.split('/').map(str::to_owned).collect();
    match module.last().map(String::as_str) {
        Some("mod" | "lib") => drop(module.pop()),
        Some("main" | "tests") => return None,
        Some(name) if name.ends_with("_tests") => return None,
        _ => {}
    }
    Some(module)
}

impl Crate {
    /// Reads all sources of the library.
    pub fn read() -> Self {
        let texts = files("src", "rs").into_iter().map(|file| {
            let text = read(&file);
            (file.to_string_lossy().replace('\\', "/"), text)
        });
        Self::parse(texts)
    }

    fn parse(texts: impl Iterator<Item = (String, String)>) -> Self {
        let mut sources = BTreeMap::new();
        for (file, text) in texts {
            let Some(module) = module(&file) else { continue };
            let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
            let mut source = Source { module, ..Source::default() };
            parsed.items.iter().for_each(|item| source.define(item));
            source.visit_file(&parsed);
            sources.insert(file, source);
        }
        let modules = sources.iter().map(|(file, source)| (source.module.clone(), file.clone())).collect();
        Self { sources, modules }
    }

    /// Resolves a path written in `module` to a file and a name; `None` if it leaves the crate or names a module.
    fn resolve(&self, module: &Module, path: &[String], depth: usize) -> Option<(String, String)> {
        // The compiler rejects cyclic re-exports; the limit only ends cycles of globs.
        if depth > 12 {
            return None;
        }
        let (first, mut rest) = path.split_first()?;
        let mut at = match first.as_str() {
            "crate" | "ganspect" => Module::new(),
            "self" => module.clone(),
            "super" => module[..module.len().checked_sub(1)?].to_vec(),
            name => {
                let child: Module = module.iter().cloned().chain([name.to_owned()]).collect();
                if self.modules.contains_key(&child) {
                    child
                } else {
                    return self.find(module, name, rest, depth);
                }
            }
        };
        while let Some((name, after)) = rest.split_first() {
            if name == "super" {
                at.pop();
            } else {
                let child: Module = at.iter().cloned().chain([name.clone()]).collect();
                if !self.modules.contains_key(&child) {
                    return self.find(&at, name, after, depth);
                }
                at = child;
            }
            rest = after;
        }
        None
    }

    /// Finds a name in a module's scope: defined, imported or re-exported there, or behind a glob.
    fn find(&self, module: &Module, name: &str, rest: &[String], depth: usize) -> Option<(String, String)> {
        let file = self.modules.get(module)?;
        let source = &self.sources[file];
        if source.items.contains(name) {
            return Some((file.clone(), name.to_owned()));
        }
        if let Some(import) = source.imports.iter().find(|import| import.name == name) {
            let path: Vec<String> = import.path.iter().chain(rest).cloned().collect();
            return if path.first().is_some_and(|first| first == name) && import.path.len() == 1 {
                None
            } else {
                self.resolve(module, &path, depth + 1)
            };
        }
        source.globs.iter().find_map(|glob| {
            let path: Vec<String> = glob.iter().cloned().chain([name.to_owned()]).chain(rest.iter().cloned()).collect();
            self.resolve(module, &path, depth + 1)
        })
    }

    /// The files that define a type of each name, for use in other files.
    pub fn types(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut types: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (file, source) in &self.sources {
            for name in &source.types {
                types.entry(name).or_default().push(file);
            }
        }
        types
    }

    /// Returns the import graph.
    pub fn graph(&self) -> Graph {
        let mut graph = Graph::new();
        for (file, source) in &self.sources {
            let imports = source.imports.iter().map(|import| &import.path);
            for path in imports.chain(&source.paths) {
                if let Some((target, name)) = self.resolve(&source.module, path, 0)
                    && target != *file
                {
                    graph.entry(file.clone()).or_default().entry(target).or_default().insert(name);
                }
            }
        }
        graph
    }
}

/// Returns the strongly connected components of more than one file (Tarjan 1972).
pub fn cycles(graph: &Graph) -> Vec<BTreeSet<String>> {
    #[derive(Default)]
    struct Search<'a> {
        order: BTreeMap<&'a str, usize>,
        low: BTreeMap<&'a str, usize>,
        stack: Vec<&'a str>,
        found: Vec<BTreeSet<String>>,
    }
    impl<'a> Search<'a> {
        fn visit(&mut self, node: &'a str, graph: &'a Graph) {
            let index = self.order.len();
            self.order.insert(node, index);
            self.low.insert(node, index);
            self.stack.push(node);
            for next in graph.get(node).into_iter().flat_map(BTreeMap::keys) {
                if !self.order.contains_key(next.as_str()) {
                    self.visit(next, graph);
                    self.low.insert(node, self.low[node].min(self.low[next.as_str()]));
                } else if self.stack.contains(&next.as_str()) {
                    self.low.insert(node, self.low[node].min(self.order[next.as_str()]));
                }
            }
            if self.low[node] == index {
                let start = self.stack.iter().position(|found| *found == node).unwrap();
                let group: BTreeSet<String> = self.stack.drain(start..).map(str::to_owned).collect();
                if group.len() > 1 {
                    self.found.push(group);
                }
            }
        }
    }
    let mut search = Search::default();
    for node in graph.keys() {
        if !search.order.contains_key(node.as_str()) {
            search.visit(node, graph);
        }
    }
    search.found
}

#[test]
fn names_are_followed_through_re_exports_and_cycles_are_found() {
    let text = |file: &str, text: &str| (file.to_owned(), text.to_owned());
    let parsed = Crate::parse(
        [
            text("src/lib.rs", "pub mod a; pub mod b;"),
            text("src/a/mod.rs", "mod inner; pub use inner::Thing; use crate::b::Other; pub struct Here(Other);"),
            text("src/a/inner.rs", "pub struct Thing; #[cfg(test)] mod tests { use crate::b::Other; }"),
            text(
                "src/b.rs",
                "use crate::a; pub struct Other; fn f() -> a::Thing { a::Thing } fn g(_: super::a::Here) {}",
            ),
        ]
        .into_iter(),
    );
    let graph = parsed.graph();
    let names = |from: &str, to: &str| graph[from][to].iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(names("src/b.rs", "src/a/inner.rs"), ["Thing"]);
    assert_eq!(names("src/b.rs", "src/a/mod.rs"), ["Here"]);
    assert!(!graph.contains_key("src/a/inner.rs"), "imports of test modules are ignored");
    assert_eq!(cycles(&graph), [BTreeSet::from(["src/a/mod.rs".to_owned(), "src/b.rs".to_owned()])]);
}
